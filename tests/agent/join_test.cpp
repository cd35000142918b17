// `strop-agent join`: what it writes, with which modes, and that a refusal leaves no trace.
#include "agent/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zmq.h>

#include <array>
#include <vector>

#include "agent/uplink.h"
#include "schema/curve_key.h"
#include "user_home.h"

namespace strop::agent::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kEndpoint = "tcp://collector.example:7341";

schema::CurveKey new_key() {
  std::array<char, 41> open{};
  std::array<char, 41> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0)
    throw std::runtime_error("libzmq was built without CURVE");
  return {open.data(), secret.data()};
}

class JoinTest : public testing::Test {
 protected:
  JoinTest() : collector_(new_key().public_key) {}

  Said join_with(JoinWhat what) const {
    return said([&](auto& out, auto& err) { return join(home_.places(), what, out, err); });
  }
  Said join_it() const { return join_with({kEndpoint, collector_, {}, {}}); }

  std::vector<std::string> config_files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(home_.config_folder()))
      names.push_back(entry.path().filename());
    return names;
  }

  UserHome home_;
  const std::string collector_;
};

TEST_F(JoinTest, TheAgentThenKnowsTheCollectorAndHasAKeyForIt) {
  const Said answer = join_it();
  ASSERT_EQ(answer.code, 0) << answer.err;
  const auto config = load_config(home_.places(), {});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->collector.endpoints, std::vector<std::string>{kEndpoint});
  const auto options = read_uplink_options(*config);
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->server_key, collector_);
  EXPECT_THAT(answer.out, HasSubstr("sudo -u strop strop-collector keys allow YOUR_NAME '" +
                                    options->key->public_key + "'"));
}

TEST_F(JoinTest, NobodyElseCanReadWhatItWrote) {
  ASSERT_EQ(join_it().code, 0);
  EXPECT_THAT(config_files(),
              testing::UnorderedElementsAre("agent.toml", "agent.key", "collector.pub"));
  for (const std::string& name : config_files())
    EXPECT_EQ(UserHome::mode_of(home_.config_folder() / name), "600") << name;
}

TEST_F(JoinTest, TheFolderIsMadeWhereThereIsNone) {
  fs::remove_all(home_.places().config_home);
  EXPECT_EQ(join_it().code, 0);
  EXPECT_TRUE(fs::exists(home_.config_file()));
}

TEST_F(JoinTest, WhatTheFileSaidStaysToTheByte) {
  const std::string mine = "# mine\nmode = \"full\"\n\n[privacy]\nworkspaces = [ '~/src' ]";
  home_.configure(mine);
  ASSERT_EQ(join_it().code, 0);
  EXPECT_THAT(UserHome::read(home_.config_file()), StartsWith(mine + "\n\n[collector]\n"));
  EXPECT_EQ(load_config(home_.places(), {})->mode, Mode::kFull);
}

TEST_F(JoinTest, ACollectorThatIsNamedAlreadyStays) {
  const std::string mine = "[collector]\nendpoint = \"tcp://other:1\"\n";
  home_.configure(mine);
  const Said answer = join_it();
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr("change its [collector] by hand"));
  EXPECT_EQ(UserHome::read(home_.config_file()), mine);
  EXPECT_THAT(config_files(), testing::ElementsAre("agent.toml"));
}

// The file may have been written before, from a manual or by an administrator.
TEST_F(JoinTest, AFileThatNamesThisCollectorWithoutKeysIsGivenThem) {
  const std::string before = "mode = \"full\"\n\n[collector]  # ours\nendpoint = \"" +
                             std::string(kEndpoint) + "\"  # here\n";
  const std::string after = "# mine\n\n[privacy]\nexclude = []";
  home_.configure(before + after);
  const Said answer = join_it();
  ASSERT_EQ(answer.code, 0) << answer.err;
  const std::string now = UserHome::read(home_.config_file());
  EXPECT_THAT(now, StartsWith(before + "server_key_file = "));
  EXPECT_THAT(now, testing::EndsWith("\n" + after + "\n"));
  const auto config = load_config(home_.places(), {});
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->mode, Mode::kFull);
  EXPECT_TRUE(read_uplink_options(*config));
  EXPECT_EQ(join_it().code, 0);  // twice is once
  EXPECT_EQ(UserHome::read(home_.config_file()), now);
}

TEST_F(JoinTest, KeyFilesThatTheFileNamesAreMadeThere) {
  const std::string mine = "collector.endpoint = \"" + std::string(kEndpoint) +
                           "\"\ncollector.server_key_file = \"~/keys/their.pub\"\n"
                           "collector.key_file = \"~/keys/my.key\"\n";
  home_.configure(mine);
  const Said answer = join_it();
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(UserHome::read(home_.config_file()), mine);
  const auto key = schema::read_curve_key(home_.places().home / "keys/my.key");
  ASSERT_TRUE(key) << key.error();
  EXPECT_THAT(answer.out, HasSubstr(key->public_key));
  EXPECT_EQ(UserHome::read(home_.places().home / "keys/their.pub"), collector_ + "\n");
  EXPECT_THAT(config_files(), testing::ElementsAre("agent.toml"));
}

struct Stubborn {
  const char* name;
  const char* file;  // ENDPOINT stands for the collector's
  const char* says;
};

class JoinByHand : public JoinTest, public testing::WithParamInterface<Stubborn> {};

TEST_P(JoinByHand, SaysWhatToChangeAndChangesNothing) {
  std::string file = GetParam().file;
  file.replace(file.find("ENDPOINT"), 8, "\"" + std::string(kEndpoint) + "\"");
  home_.configure(file);
  const Said answer = join_with({kEndpoint, collector_, home_ / "wished.key", {}});
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr(GetParam().says));
  EXPECT_EQ(UserHome::read(home_.config_file()), file);
  EXPECT_THAT(config_files(), testing::ElementsAre("agent.toml"));
}

INSTANTIATE_TEST_SUITE_P(
    All, JoinByHand,
    testing::Values(Stubborn{"Inline", "collector = { endpoint = ENDPOINT }\n",
                             "write [collector] as a table of lines; it lacks:\nserver_key_file ="},
                    Stubborn{"Plain", "[collector]\nendpoint = ENDPOINT\nplain = true\n",
                             "take that line out"},
                    Stubborn{"OtherKey", "[collector]\nendpoint = ENDPOINT\nkey_file = '/k'\n",
                             "names another key_file, /k; leave out --key"}),
    [](const auto& test) { return test.param.name; });

TEST_F(JoinTest, AnotherConfigurationsCollectorKeyStays) {
  ASSERT_EQ(join_it().code, 0);
  const std::string other = new_key().public_key;
  const Said answer =
      join_with({"tcp://other.example:7341", other, {}, home_.config_folder() / "other.toml"});
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr("holds another collector's key"));
  EXPECT_THAT(answer.err, HasSubstr("--config in another folder"));
  EXPECT_EQ(UserHome::read(home_.config_folder() / "collector.pub"), collector_ + "\n");
  EXPECT_FALSE(fs::exists(home_.config_folder() / "other.toml"));
}

TEST_F(JoinTest, AKeyThatIsThereIsUsed) {
  const schema::CurveKey key = new_key();
  ASSERT_TRUE(schema::write_curve_key(home_ / "mine.key", key));
  const Said answer = join_with({kEndpoint, collector_, home_ / "mine.key", {}});
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr(key.public_key));
  EXPECT_EQ(load_config(home_.places(), {})->collector.key_file, home_ / "mine.key");
}

TEST_F(JoinTest, AKeyThatOthersCanReadIsRefused) {
  ASSERT_TRUE(schema::write_curve_key(home_ / "mine.key", new_key()));
  fs::permissions(home_ / "mine.key", fs::perms(0644));
  const Said answer = join_with({kEndpoint, collector_, home_ / "mine.key", {}});
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.err, HasSubstr("chmod 600"));
  EXPECT_THAT(config_files(), IsEmpty());
}

TEST_F(JoinTest, TheCollectorsKeyMayStandInAFile) {
  UserHome::write(home_ / "downloads/collector.pub", collector_ + " \r\n");
  const Said answer = join_with({kEndpoint, home_ / "downloads/collector.pub", {}, {}});
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(UserHome::read(home_.config_folder() / "collector.pub"), collector_ + "\n");
}

TEST_F(JoinTest, AFileThatIsNoTomlIsLeftAlone) {
  home_.configure("mode = ");
  const Said answer = join_it();
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr(home_.config_file().string()));
  EXPECT_EQ(UserHome::read(home_.config_file()), "mode = ");
}

// People keep their configuration in a repository and link to it, one link or several.
TEST_F(JoinTest, ALinkedFileIsWrittenThroughItsLinks) {
  const fs::path real = home_ / "dotfiles/strop/agent.toml";
  UserHome::write(real, "mode = \"off\"\n");
  fs::create_symlink(real, home_ / "dotfiles/current");
  fs::create_symlink("../../../dotfiles/current", home_.config_file());
  ASSERT_EQ(join_it().code, 0);
  EXPECT_TRUE(fs::is_symlink(home_.config_file()));
  EXPECT_TRUE(fs::is_symlink(home_ / "dotfiles/current"));
  EXPECT_THAT(UserHome::read(real), StartsWith("mode = \"off\"\n\n[collector]\n"));
  EXPECT_THAT(config_files(),
              testing::UnorderedElementsAre("agent.toml", "agent.key", "collector.pub"));
}

TEST_F(JoinTest, ALinkToNothingYetBringsItsFileAbout) {
  fs::create_symlink(home_ / "dotfiles/agent.toml", home_.config_file());
  ASSERT_EQ(join_it().code, 0);
  EXPECT_TRUE(fs::is_symlink(home_.config_file()));
  EXPECT_THAT(UserHome::read(home_ / "dotfiles/agent.toml"), StartsWith("[collector]\n"));
}

struct Bad {
  const char* name;
  const char* endpoint;
  const char* server_key;  // nullptr: a good one
  const char* says;
};

class JoinRefusal : public JoinTest, public testing::WithParamInterface<Bad> {};

TEST_P(JoinRefusal, SaysWhatToGiveAndWritesNothing) {
  const Bad& bad = GetParam();
  const std::string key = bad.server_key != nullptr ? bad.server_key : collector_;
  const Said answer = join_with({bad.endpoint, key, {}, {}});
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, StartsWith("strop-agent: "));
  EXPECT_THAT(answer.err, HasSubstr(bad.says));
  EXPECT_THAT(answer.out, IsEmpty());
  EXPECT_THAT(config_files(), IsEmpty());
}

constexpr const char* kForm = "is not tcp://HOST:PORT, such as \"tcp://collector.example:7341\"";
constexpr const char* kKeys = "`strop-collector keys generate` printed it";

INSTANTIATE_TEST_SUITE_P(
    All, JoinRefusal,
    testing::Values(Bad{"NoScheme", "collector.example:7341", nullptr, kForm},
                    Bad{"Http", "http://collector.example:7341", nullptr, kForm},
                    Bad{"NoHost", "tcp://:7341", nullptr, kForm},
                    Bad{"NoPort", "tcp://collector.example", nullptr, kForm},
                    Bad{"WordAsPort", "tcp://collector.example:http", nullptr, kForm},
                    Bad{"PortTooGreat", "tcp://collector.example:65536", nullptr, kForm},
                    Bad{"Empty", "", nullptr, kForm}, Bad{"KeyTooShort", kEndpoint, "abc", kKeys},
                    Bad{"NoKey", kEndpoint, "", kKeys},
                    Bad{"NoSuchKeyFile", kEndpoint, "/nowhere/collector.pub", kKeys},
                    Bad{"KeyOfNoZ85", kEndpoint, "'''''''''''''''''''''''''''''''''''''''' ",
                        kKeys}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace strop::agent::test
