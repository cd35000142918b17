// `strop-agent inspect`, `forget`, `pause` and `resume`: what is kept, as it would leave, and gone.
#include "agent/inspector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/privacy/pseudonyms.h"
#include "agent/spool.h"
#include "agent/spool_files.h"
#include "agent/spool_store.h"
#include "user_home.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class InspectorTest : public testing::Test {
 protected:
  Spool& spool() {
    if (!spool_) spool_.emplace(SpoolOptions{.state = home_.state()});
    return *spool_;
  }
  void keep(const std::string& uri, const std::string& rule = "consent:work") {
    spool().append(json{{"uri", uri}}.dump(), rule);
  }

  Said inspect_it(bool as_json = false) const {
    return said([&](auto& out, auto& err) { return inspect(home_.state(), as_json, out, err); });
  }
  json inspect_json() const {
    const Said answer = inspect_it(true);
    EXPECT_EQ(answer.code, 0) << answer.err;
    return json::parse(answer.out);
  }
  // "seq:state:uri" of all that is kept; of a gap, with its reason.
  std::vector<std::string> kept() const {
    std::vector<std::string> out;
    const json all = inspect_json();
    for (const json& record : all["records"]) {
      std::string what = record["rule"];
      if (record["state"] != "gap")
        what = json::parse(record["bytes"].get<std::string>()).at("uri");
      out.push_back(std::to_string(record["seq"].get<int>()) + ":" +
                    record["state"].get<std::string>() + ":" + what);
    }
    return out;
  }
  Said forget_it(const ForgetWhat& what) const {
    return said([&](auto& out, auto& err) { return forget(home_.state(), what, out, err); });
  }
  fs::path segment() {
    return segment_file(epoch_folder(spool_folder(home_.state()), spool().epoch()), 1);
  }

  UserHome home_;
  std::optional<Spool> spool_;
};

TEST_F(InspectorTest, AnEmptySpoolHasAnEmptyLedger) {
  const Said answer = inspect_it();
  EXPECT_EQ(answer.code, 0);
  EXPECT_THAT(answer.err, IsEmpty());
  EXPECT_EQ(answer.out,
            "captured      0\n"
            "  acked       0\n"
            "  spooled     0\n"
            "  rejected    0\n"
            "  suppressed  0\n"
            "  given up    0\n");
  EXPECT_EQ(inspect_json(), json::parse(R"({"records": [], "ledger": {"captured": 0, "acked": 0,
            "spooled": 0, "rejected": {}, "suppressed": {}, "given_up": {}}})"));
}

TEST_F(InspectorTest, ShowsEachRecordAsItLeavesWithItsRule) {
  spool().append("{\"a\":1}", "consent:work");
  spool().append("{\"b\":\"\xc3\xa9\"}", "metrics_only");
  const std::string epoch = schema::to_hex(spool().epoch()).substr(0, 8);
  EXPECT_THAT(inspect_it().out, StartsWith("#1 of " + epoch +
                                           ", spooled, by rule consent:work, 7 bytes:\n{\"a\":1}\n"
                                           "\n#2 of " +
                                           epoch +
                                           ", spooled, by rule metrics_only, 10 bytes:\n"
                                           "{\"b\":\"\xc3\xa9\"}\n\ncaptured      2\n"));
}

TEST_F(InspectorTest, AsJsonTheBytesAreTheRecordsOwn) {
  spool().append("{\"a\": 1}", "consent:work");
  const json record = inspect_json()["records"].at(0);
  EXPECT_EQ(record["epoch"], schema::to_hex(spool().epoch()));
  EXPECT_EQ(record["seq"], 1);
  EXPECT_EQ(record["span"], 1);
  EXPECT_EQ(record["state"], "spooled");
  EXPECT_EQ(record["rule"], "consent:work");
  EXPECT_EQ(record["bytes"], "{\"a\": 1}");
  EXPECT_GT(record["t_ms"], 0);
}

TEST_F(InspectorTest, TheLedgerCountsWhatWasSuppressedByRule) {
  keep("file:///src/a.cpp");
  spool().suppress("default:.env*");
  spool().suppress("default:.env*");
  spool().suppress(".gitignore:*.log");
  spool().sync();
  EXPECT_THAT(inspect_it().out, HasSubstr("captured      4\n"
                                          "  acked       0\n"
                                          "  spooled     1\n"
                                          "  rejected    0\n"
                                          "  suppressed  3\n"
                                          "      .gitignore:*.log: 1\n"
                                          "      default:.env*: 2\n"
                                          "  given up    0\n"
                                          "Of what was suppressed nothing was kept"));
}

TEST_F(InspectorTest, ADamagedRecordIsShownAsAGapAndTheRestIsThere) {
  for (const char* uri : {"file:///1", "file:///2", "file:///3"}) keep(uri);
  const fs::path file = segment();
  spool_.reset();  // of an agent that runs, what cannot be read may be about to be written
  std::string bytes = UserHome::read(file);
  const std::size_t at = bytes.find("file:///2");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'F';
  UserHome::write(file, bytes);
  EXPECT_THAT(kept(), ElementsAre("1:spooled:file:///1", "2:gap:damaged", "3:spooled:file:///3"));
  const Said answer = inspect_it();
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_THAT(answer.out, AllOf(HasSubstr(", gap, by rule damaged, "),
                                HasSubstr("  given up    1\n      damaged: 1\n")));
}

TEST_F(InspectorTest, BytesThatAreNoTextDoNotKeepOneFromLooking) {
  spool().append("\xff\xfe", "consent:work");
  EXPECT_EQ(inspect_json()["records"].at(0)["bytes"], "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_F(InspectorTest, ASpoolThatCannotBeReadIsSaid) {
  UserHome::write(home_.state() / "spool", "a file where a folder should be");
  const Said answer = inspect_it();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.err, AllOf(StartsWith("strop-agent: "), HasSubstr("spool")));
}

TEST_F(InspectorTest, ForgetsTheNewest) {
  for (const char* uri : {"file:///1", "file:///2", "file:///3"}) keep(uri);
  EXPECT_EQ(forget_it({.last = 2}).out,
            "2 records forgotten; the collector erases its copies when it next hears from here\n");
  EXPECT_THAT(kept(), ElementsAre("1:spooled:file:///1", "2:gap:forgotten", "3:gap:forgotten"));
  EXPECT_EQ(forget_it({.last = 7}).out.substr(0, 19), "1 records forgotten") << "gaps do not count";
}

TEST_F(InspectorTest, ForgetsWhatIsAboutAFileByEitherName) {
  UserHome::write(home_ / "work/a.cpp", "");
  fs::create_directory_symlink(home_ / "work", home_ / "link");
  keep("file://" + (home_ / "work/a.cpp").string());
  keep("file://" + (home_ / "link/a.cpp").string());
  keep("file://" + (home_ / "work/b.cpp").string());
  spool().append("no json");
  EXPECT_THAT(forget_it({.file = home_ / "link/a.cpp"}).out, StartsWith("2 records forgotten"));
  EXPECT_EQ(inspect_json()["ledger"]["given_up"]["forgotten"], 2);
  EXPECT_THAT(UserHome::read(segment()), AllOf(Not(HasSubstr("a.cpp")), HasSubstr("b.cpp")));
}

TEST_F(InspectorTest, AFolderIsNoFileToForget) {
  const fs::path file = home_ / "work/private/a.cpp";
  UserHome::write(file, "");
  keep("file://" + file.string());
  for (const bool never : {false, true}) {
    const Said answer = forget_it({.file = file.parent_path(), .never = never});
    EXPECT_EQ(answer.code, 2);
    EXPECT_THAT(answer.out, IsEmpty());
    EXPECT_THAT(answer.err, AllOf(HasSubstr("is a folder"), HasSubstr(".stropignore")));
  }
  EXPECT_THAT(kept(), ElementsAre("1:spooled:file://" + file.string()));
  EXPECT_FALSE(fs::exists(home_.state() / "never"));
}

TEST_F(InspectorTest, ForgetsAll) {
  for (const char* uri : {"file:///1", "file:///2"}) keep(uri);
  EXPECT_THAT(forget_it({.all = true}).out, StartsWith("2 records forgotten; "));
  EXPECT_EQ(forget_it({.all = true}).out, "0 records forgotten\n");
  EXPECT_THAT(UserHome::read(segment()), Not(HasSubstr("file:///")));
}

TEST_F(InspectorTest, PausesUntilResumed) {
  const auto pause_it = [&](auto& out, auto& err) { return pause(home_.state(), out, err); };
  const auto resume_it = [&](auto& out, auto& err) { return resume(home_.state(), out, err); };
  EXPECT_FALSE(is_paused(home_.state()));
  EXPECT_EQ(said(resume_it).out, "It was not paused.\n");
  EXPECT_EQ(said(pause_it).code, 0);
  EXPECT_EQ(said(pause_it).code, 0) << "once more is no harm";
  EXPECT_TRUE(is_paused(home_.state()));
  EXPECT_THAT(inspect_it().out, StartsWith("Capture is paused; `strop-agent resume` goes on.\n\n"));
  EXPECT_EQ(said(resume_it).out, "Resumed.\n");
  EXPECT_FALSE(is_paused(home_.state()));
}

TEST_F(InspectorTest, APauseThatCannotBeKeptIsNoPause) {
  UserHome::write(home_.state(), "a file where a folder should be");
  const Said answer = said([&](auto& out, auto& err) { return pause(home_.state(), out, err); });
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, IsEmpty());
  EXPECT_THAT(answer.err, HasSubstr("cannot be written; set mode = \"off\""));
}

TEST_F(InspectorTest, ForgettingAFileTakesItsRecordsWithoutTextsToo) {
  const fs::path file = home_ / "work/a b.cpp";
  UserHome::write(file, "");
  fs::create_directory_symlink(home_ / "work", home_ / "link");
  const auto names = Pseudonyms::read_or_make(home_.state());
  ASSERT_TRUE(names) << names.error();
  keep(names->of_file(fs::weakly_canonical(file)), "metrics_only");
  keep(names->of_file("/elsewhere/b.cpp"), "metrics_only");
  EXPECT_EQ(forget_it({.file = home_ / "link/a b.cpp"}).out.substr(0, 19), "1 records forgotten");
  EXPECT_THAT(kept(),
              ElementsAre("1:gap:forgotten", "2:spooled:" + names->of_file("/elsewhere/b.cpp")));
}

TEST_F(InspectorTest, ACopiedMachineGetsAnIdOfItsOwn) {
  keep("file:///a");
  const auto before = install_id(home_.state());
  const Said answer =
      said([&](auto& out, auto& err) { return new_install(home_.state(), out, err); });
  EXPECT_EQ(answer.code, 0) << answer.err;
  const auto after = install_id(home_.state());
  ASSERT_TRUE(before && after);
  EXPECT_NE(*before, *after);
  EXPECT_THAT(answer.out, HasSubstr(schema::to_hex(*after)));
}

TEST_F(InspectorTest, ForgettingAFileSaysWhenItCannotTellAllRecords) {
  keep("file:///src/a.cpp");
  UserHome::write(home_.state() / "pseudonym.key", "short");
  fs::permissions(home_.state() / "pseudonym.key", fs::perms::owner_all);
  const Said answer = forget_it({.file = "/src/a.cpp"});
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, StartsWith("1 records forgotten"));
  EXPECT_THAT(answer.err, AllOf(HasSubstr("pseudonym.key is damaged"), HasSubstr("--all")));
}

}  // namespace
}  // namespace strop::agent::test
