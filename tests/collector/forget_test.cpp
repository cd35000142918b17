// What `forget` erases stays erased, and what `restore` brings back is what was backed up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "collector/fill.h"
#include "collector/program.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class ForgetTest : public testing::Test {
 protected:
  ForgetTest() {
    fill(store(), 1, annas());
    fill(store(), 2, bobs());
  }
  static Life annas() {
    return Life().by("anna").offered({"anna + y"}).accepted().settled("anna - y");
  }
  static Life bobs() { return Life().by("bob").offered({"bob + y"}).accepted().settled("bob - y"); }

  std::string store() const { return folder_ / "events.db"; }
  Said run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin() + 1, {"--store", store()});
    return run_collector(arguments);
  }
  std::string bytes() const {
    std::ostringstream out;
    for (const char* part : {"", "-wal"}) out << std::ifstream(store() + part).rdbuf();
    return out.str();
  }

  // By another program than ours.
  std::string sha256sum(const std::string& file) const {
    const std::string out = folder_ / "sha256";
    EXPECT_EQ(std::system(("sha256sum " + file + " > " + out).c_str()), 0);
    std::string hash;
    std::ifstream(out) >> hash;
    return hash;
  }

  TempFolder folder_;
};

TEST_F(ForgetTest, NothingIsLeftOfTheContributor) {
  ASSERT_THAT(bytes(), HasSubstr("anna + y"));
  const Said said = run({"forget", "--contributor", "anna", "--yes", "--json"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(json::parse(said.out), (json{{"installs", 1},
                                         {"streams", 1},
                                         {"events", 3},
                                         {"dead_letters", 0},
                                         {"log_cleared", true},
                                         {"exports", json::array()},
                                         {"runs", json::array()}}));
  EXPECT_THAT(bytes(), Not(HasSubstr("anna + y")));
  EXPECT_THAT(bytes(), HasSubstr("bob + y"));
  EXPECT_EQ(json::parse(run({"pairs", "--json"}).out)["pairs"], (json{{"edited", 1}}));
}

TEST_F(ForgetTest, DeadLettersAreLookedAtAgain) {
  const std::string good =
      R"({"v":1,"type":"shown","suggestion":"late","t_ms":5,"source":"inline","presence":"rendered"})";
  {
    SqliteStore later(store(), StoreAccess::kReceiver);
    const StreamKey key = stream_key(3);
    const auto stream = later.open_stream(key, {"eve", "eve"}, "test", 1, 1).value().id;
    PendingBatch batch{stream, key, "eve", {}};
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      Entry entry;
      entry.seq = seq;
      entry.hash = std::to_string(seq);
      entry.payload = seq == 1 ? good : seq == 2 ? "no JSON" : "";
      entry.rejected = schema::RejectCode::kBadEvent;
      entry.reason = "by the rules of then";
      batch.entries.push_back(std::move(entry));
    }
    later.commit({batch}, 1);
  }
  const Said said = run({"deadletter", "replay", "--json"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(json::parse(said.out),
            (json{{"looked_at", 3}, {"stored", 1}, {"rejected", 1}, {"without_text", 1}}));
  const Said left = run({"deadletter"});
  EXPECT_THAT(left.out, HasSubstr(":2  bad_json"));
  EXPECT_THAT(left.out, HasSubstr(":3  bad_event"));
  EXPECT_THAT(left.out, Not(HasSubstr(":1  ")));
  EXPECT_THAT(run({"deadletter", "replay", "--code", "too_deep"}).out, HasSubstr("of 0 dead"));
  EXPECT_EQ(json::parse(run({"ledger", "--json"}).out)["total"]["balanced"], true);
}

TEST_F(ForgetTest, ReadmittingSaysWhoIsNotShutOut) {
  const Said nobody = run({"readmit", std::string(32, '0')});
  EXPECT_EQ(nobody.code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("is not shut out in this store; `ledger` says who is"));
  EXPECT_EQ(run({"readmit", "anna"}).code, 2);
}

TEST_F(ForgetTest, WhatIsSentAgainStaysErased) {
  ASSERT_EQ(run({"forget", "--contributor", "anna", "--yes"}).code, 0);
  const BatchResult again = fill(store(), 1, annas());
  EXPECT_EQ(again.stored, 0U);
  EXPECT_EQ(again.duplicates, 3U);
  EXPECT_FALSE(again.quarantined);
  EXPECT_THAT(bytes(), Not(HasSubstr("anna + y")));
}

TEST_F(ForgetTest, TheLedgerStillAddsUp) {
  const std::string install = schema::to_hex(stream_key(1).install);
  ASSERT_EQ(run({"forget", "--install", install, "--yes"}).code, 0);
  const Said ledger = run({"ledger"});
  EXPECT_EQ(ledger.code, 0);
  EXPECT_THAT(ledger.out, HasSubstr("3 captured = 0 acked + 0 rejected + 3 gaps + 0 lost"));
  EXPECT_THAT(ledger.out, HasSubstr("3 captured = 3 acked + 0 rejected + 0 gaps + 0 lost"));
  // Twice is once.
  EXPECT_THAT(run({"forget", "--install", install, "--yes"}).out, HasSubstr("erased 0 events"));
  EXPECT_EQ(run({"ledger"}).code, 0);
}

TEST_F(ForgetTest, TellsWhichExportsHoldThem) {
  const std::string both = folder_ / "both.jsonl";
  ASSERT_EQ(run({"export", "--format", "strop", "--out", both}).code, 0);
  ASSERT_EQ(run({"forget", "--contributor", "bob", "--yes"}).code, 0);
  const std::string one = folder_ / "one.jsonl";
  ASSERT_EQ(run({"export", "--format", "strop", "--out", one}).code, 0);
  const Said said = run({"forget", "--contributor", "bob", "--yes"});
  EXPECT_THAT(said.out, HasSubstr(both + "  (1 lines of theirs, sha256 "));
  EXPECT_THAT(said.out, Not(HasSubstr(one)));
}

// By what strop-trainer notes of the file that it read.
TEST_F(ForgetTest, TellsWhichRunsWereTrainedOnThem) {
  const std::string pairs = folder_ / "pairs.jsonl";
  ASSERT_EQ(run({"export", "--format", "strop", "--out", pairs}).code, 0);
  for (const char* round : {"one", "two", "three"})
    std::filesystem::create_directories(folder_ / "nightly" / round);
  std::ofstream(folder_ / "nightly/one/summary.json")
      << json{{"pairs_sha256", sha256sum(pairs)}}.dump();
  std::ofstream(folder_ / "nightly/two/summary.json") << json{{"pairs_sha256", "other"}}.dump();
  std::ofstream(folder_ / "nightly/three/summary.json") << "no JSON";
  const Said said = run({"forget", "--contributor", "bob", "--yes", "--json", "--runs",
                         (folder_ / "nightly").string()});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(json::parse(said.out)["runs"], json::array({(folder_ / "nightly/one").string()}));
  EXPECT_EQ(json::parse(said.out)["exports"][0]["sha256"], sha256sum(pairs));
  EXPECT_EQ(run({"forget", "--contributor", "bob", "--yes", "--runs", "/nowhere"}).code, 2);
}

TEST_F(ForgetTest, AnExportThatCameToNothingIsNotListed) {
  const std::string taken = folder_ / "taken";
  std::filesystem::create_directory(taken);
  ASSERT_EQ(run({"export", "--format", "strop", "--out", taken}).code, 1);
  const Said said = run({"forget", "--contributor", "bob", "--yes"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, Not(HasSubstr(taken)));
}

TEST_F(ForgetTest, NothingHappensByAccident) {
  const std::string before = run({"ledger", "--json"}).out;
  struct {
    std::vector<std::string> arguments;
    std::string says;
  } const table[] = {
      {{"forget"}, "forget whom?"},
      {{"forget", "--yes"}, "forget whom?"},
      {{"forget", "--contributor", "anna"}, "say --yes as well"},
      {{"forget", "--contributor", "carl", "--yes"}, "has nothing of contributor carl"},
      {{"forget", "--install", "xyz", "--yes"}, "32 hexadecimal digits"},
      {{"forget", "--install", std::string(32, '9'), "--yes"}, "has nothing of install 9"},
      {{"forget", "--install", std::string(32, '1'), "--contributor", "anna"}, "one of them"},
  };
  for (const auto& [arguments, says] : table) {
    const Said said = run(arguments);
    EXPECT_EQ(said.code, 2) << says;
    EXPECT_THAT(said.err, HasSubstr(says));
  }
  EXPECT_EQ(run({"ledger", "--json"}).out, before);
}

TEST_F(ForgetTest, ABackupRestoresToTheSameLedger) {
  const std::string ledger = run({"ledger", "--json"}).out;
  const std::string copy = folder_ / "copy.db";
  ASSERT_EQ(run({"backup", "--to", copy}).code, 0);
  const std::string fresh = folder_ / "fresh.db";
  const Said said = run_collector({"restore", "--from", copy, "--store", fresh});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("restored 6 events of 2 streams"));
  EXPECT_EQ(run_collector({"ledger", "--json", "--store", fresh}).out, ledger);
  struct stat facts {};
  ASSERT_EQ(::stat(fresh.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(fill(fresh, 1, annas()).duplicates, 3U);  // it takes events in again
}

TEST_F(ForgetTest, RestoreNeverOverwritesAndTakesNoDamage) {
  const std::string copy = folder_ / "copy.db";
  ASSERT_EQ(run({"backup", "--to", copy}).code, 0);
  std::ofstream(folder_ / "junk.db") << std::string(8192, 'j');
  std::ofstream(folder_ / "logged.db-wal") << "w";
  // Damage in the middle: the header is still that of a store.
  std::filesystem::copy_file(copy, folder_ / "torn.db");
  std::fstream torn(folder_ / "torn.db", std::ios::in | std::ios::out | std::ios::binary);
  torn.seekp(4096);
  torn << std::string(16384, '\xff');
  torn.close();
  struct {
    std::string from, to;
    int code;
    std::string says;
  } const table[] = {
      {copy, store(), 2, "restore never overwrites"},
      {copy, folder_ / "logged.db", 2, "logged.db-wal exists already"},
      {folder_ / "none.db", folder_ / "new.db", 2, "there is no backup"},
      {folder_ / "junk.db", folder_ / "new.db", 1, "junk.db"},
      {folder_ / "torn.db", folder_ / "new.db", 1, "torn.db"},
  };
  for (const auto& [from, to, code, says] : table) {
    const Said said = run_collector({"restore", "--from", from, "--store", to});
    EXPECT_EQ(said.code, code) << says;
    EXPECT_THAT(said.err, HasSubstr(says));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new.db"));
  EXPECT_EQ(run_collector({"restore", "--from", copy, "--config", folder_ / "none.toml"}).code, 2);
}

}  // namespace
}  // namespace strop::collector
