// The folder of keys and the commands that change it.
#include "collector/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "collector/doorkeeper.h"
#include "collector/program.h"
#include "collector/pseudonym.h"
#include "collector/secret_key.h"
#include "collector/temp_folder.h"
#include "collector/usage.h"

namespace strop::collector {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class KeysTest : public testing::Test {
 protected:
  KeysTest() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium");
  }
  std::string keys() const { return folder_ / "keys"; }
  Said run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "keys");
    arguments.insert(arguments.begin() + 2, {"--keys", keys()});
    return run_collector(arguments);
  }
  static mode_t mode(const std::string& file) {
    struct stat facts {};
    return ::stat(file.c_str(), &facts) == 0 ? facts.st_mode & 0777U : 0;
  }
  TempFolder folder_;
};

TEST_F(KeysTest, GeneratesOnceForItsOwnerAlone) {
  const Said made = run({"generate"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto key = schema::read_curve_key(server_key_file(keys()));
  ASSERT_TRUE(key) << key.error();
  EXPECT_THAT(made.out, HasSubstr("public " + key->public_key));
  EXPECT_THAT(made.out, testing::Not(HasSubstr(key->secret_key)));
  EXPECT_EQ(mode(keys()), 0700U);
  EXPECT_EQ(mode(server_key_file(keys())), 0600U);
  const Said again = run({"generate"});
  EXPECT_EQ(again.code, 1);
  EXPECT_EQ(schema::read_curve_key(server_key_file(keys())), key);
}

TEST_F(KeysTest, ADevelopersKeyIsAllowedAtOnce) {
  ASSERT_EQ(run({"generate"}).code, 0);
  const std::string file = folder_ / "anna.key";
  const Said made = run({"generate", "--name", "anna", "--out", file});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto key = schema::read_curve_key(file);
  ASSERT_TRUE(key);
  EXPECT_EQ(run({"list"}).out, key->public_key + " anna\n");
  EXPECT_EQ(run({"revoke", "anna"}).code, 0);
  EXPECT_EQ(run({"list"}).out, "");
  EXPECT_EQ(run({"list", "--json"}).out, "[]\n");
}

TEST_F(KeysTest, WrongUsageSaysWhatToDo) {
  ASSERT_EQ(run({"generate"}).code, 0);
  const std::string key = make_key_pair().public_key;
  ASSERT_EQ(run({"allow", "anna", key}).code, 0);
  struct {
    std::vector<std::string> arguments;
    int code;
    std::string says;
  } const table[] = {
      {{"generate", "--name", "anna"}, 2, "Give --out FILE"},
      {{"generate", "--name", "an na", "--out", folder_ / "x"}, 2, "is no name"},
      {{"generate", "--out", folder_ / "x"}, 2, "--out goes with --name"},
      {{"allow", "bob", "short"}, 2, "is no public key"},
      {{"allow", "../bob", key}, 2, "is no name"},
      {{"allow", "bob", key}, 2, "this key is anna's already"},
      {{"revoke", "bob"}, 2, "nobody named 'bob'"},
      {{"allow", "bob"}, 2, "public_key"},
  };
  for (const auto& [arguments, code, says] : table) {
    const Said said = run(arguments);
    EXPECT_EQ(said.code, code) << says;
    EXPECT_THAT(said.err, HasSubstr(says));
  }
  EXPECT_EQ(run_collector({"keys"}).code, 2);
  const Said nowhere = run_collector({"keys", "allow", "--keys", folder_ / "none", "bob", key});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("keys generate"));
}

// What people run as root, the collector's user must be able to use.
TEST_F(KeysTest, WhatRootMakesIsTheFoldersOwners) {
  // Only root can give files away; for anybody else the owner is himself.
  const bool root = ::geteuid() == 0;
  const uid_t collector = root ? 4711 : ::geteuid();
  const gid_t group = root ? 4712 : ::getegid();
  ASSERT_EQ(::chown(folder_.path().c_str(), collector, group), 0);
  ASSERT_EQ(run({"generate"}).code, 0);
  ASSERT_EQ(run({"allow", "anna", make_key_pair().public_key}).code, 0);
  ASSERT_EQ(run({"allow", "bob", make_key_pair().public_key}).code, 0);
  read_or_make_key(folder_ / "keys/pseudonym.key", "test key", "all is lost");
  for (const char* name :
       {"keys", "keys/server.key", "keys/allow.list", "keys/allow.lock", "keys/pseudonym.key"}) {
    struct stat facts {};
    ASSERT_EQ(::stat((folder_ / name).c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_uid, collector) << name;
    EXPECT_EQ(facts.st_gid, group) << name;
    EXPECT_EQ(facts.st_mode & 0077U, 0U) << name;
  }
}

// Whoever owns the folder could lay a link where root is about to write.
TEST_F(KeysTest, ALinkInTheWayIsNotWrittenThrough) {
  ASSERT_EQ(run({"generate"}).code, 0);
  std::ofstream(folder_ / "precious") << "precious";
  std::filesystem::create_symlink(folder_ / "precious", folder_ / "keys/allow.list.new");
  ASSERT_EQ(run({"allow", "anna", make_key_pair().public_key}).code, 0);
  std::stringstream text;
  text << std::ifstream(folder_ / "precious").rdbuf();
  EXPECT_EQ(text.str(), "precious");
}

TEST_F(KeysTest, AKeyThatLooksLikeAFlagGoesBehindTwoDashes) {
  ASSERT_EQ(run({"generate"}).code, 0);
  const std::string key = "-x" + std::string(38, '0');
  const Said refused = run({"allow", "anna", key});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("keys allow -- NAME '" + key + "'"));
  const Said taken = run({"allow", "--", "anna", key});
  EXPECT_EQ(taken.code, 0) << taken.err;
  EXPECT_EQ(run({"list"}).out, key + " anna\n");
}

TEST_F(KeysTest, AListThatCannotBeReadIsNoEmptyList) {
  ASSERT_EQ(run({"generate"}).code, 0);
  const std::string key = make_key_pair().public_key;
  ASSERT_EQ(run({"allow", "anna", key}).code, 0);
  LiveAllowList live(keys());
  double now_ms = 1000;
  const auto knows_anna = [&] {
    now_ms += LiveAllowList::kLookEveryMs;
    return live.current(now_ms).name_of(key).has_value();
  };
  ASSERT_TRUE(knows_anna());
  // A folder under its name: unreadable, for root too.
  std::filesystem::rename(allow_list_file(keys()), folder_ / "aside");
  std::filesystem::create_directory(allow_list_file(keys()));
  EXPECT_TRUE(knows_anna());
  EXPECT_THAT(run({"list"}).err, HasSubstr("must be readable for the collector's user"));
  EXPECT_THROW(LiveAllowList{keys()}, UsageError);
  std::filesystem::remove(allow_list_file(keys()));
  EXPECT_FALSE(knows_anna());  // removed is not unreadable
  std::filesystem::rename(folder_ / "aside", allow_list_file(keys()));
  EXPECT_TRUE(knows_anna());
}

TEST(Program, TellsItsVersion) {
  const Said said = run_collector({"--version"});
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.out, testing::MatchesRegex("strop-collector [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(AllowList, ReadsWhatItWritesAndNothingElse) {
  const std::string key(40, 'a');
  const std::string other(40, 'b');
  std::vector<int> bad;
  const AllowList list = AllowList::parse(
      "# a comment\n\n" + key + " anna\nshort bob\n" + other + "\n" + other + " an na\n#\n", &bad);
  EXPECT_THAT(bad, ElementsAre(4, 5, 6));
  EXPECT_EQ(list.name_of(key), "anna");
  EXPECT_EQ(list.name_of(other), std::nullopt);
  EXPECT_EQ(AllowList::parse(list.text()).names_by_key(), list.names_by_key());
}

TEST(SecretKey, IsMadeOnceAndThenTheSame) {
  const TempFolder folder;
  const std::string key = read_or_make_key(folder / "key", "test key", "all is lost");
  EXPECT_EQ(key.size(), 32U);
  EXPECT_EQ(read_or_make_key(folder / "key", "test key", "all is lost"), key);
  EXPECT_NE(read_or_make_key(folder / "other", "test key", "all is lost"), key);
}

TEST(SecretKey, WhatIsNoKeyIsRefused) {
  const TempFolder folder;
  const auto refusal = [&](const std::string& name) -> std::string {
    try {
      read_or_make_key(folder / name, "test key", "all is lost");
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  std::ofstream(folder / "short") << "abc\n";
  std::ofstream(folder / "nohex") << std::string(64, 'z') << '\n';
  std::ofstream(folder / "open") << std::string(64, 'a') << '\n';
  for (const char* name : {"short", "nohex"}) {
    ASSERT_EQ(::chmod((folder / name).c_str(), 0600), 0);
    EXPECT_THAT(refusal(name), HasSubstr("all is lost")) << name;
  }
  ASSERT_EQ(::chmod((folder / "open").c_str(), 0640), 0);
  EXPECT_THAT(refusal("open"), HasSubstr("chmod 600"));
  EXPECT_THAT(refusal("none/key"), HasSubstr("none/key"));
}

// From RFC 4231, test case 2, with the key padded to 32 bytes as HMAC pads it.
TEST(SecretKey, TheHashIsHmacSha256) {
  std::string key = "Jefe";
  key.resize(32, '\0');
  EXPECT_EQ(to_hex_digits(keyed_hash(key, "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Pseudonym, IsTheUsersWhereverTheyWork) {
  const TempFolder folder;
  const Pseudonyms names(folder / "key");
  const schema::WireId one{1};
  const schema::WireId two{2};
  EXPECT_EQ(names.contributor("anna", one), names.contributor("anna", two));
  EXPECT_NE(names.contributor("anna", one), names.contributor("bob", one));
  EXPECT_NE(names.contributor("", one), names.contributor("", two));
  EXPECT_EQ(names.contributor("anna", one).size(), 32U);
  EXPECT_NE(Pseudonyms(folder / "other").contributor("anna", one), names.contributor("anna", one));
}

}  // namespace
}  // namespace strop::collector
