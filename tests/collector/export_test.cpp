// `pairs` and `export` as a user types them, over a real store; and what a line looks like.
#include "collector/pairs/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "collector/fill.h"
#include "collector/life.h"
#include "collector/program.h"
#include "collector/store/sqlite_store.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class ExportTest : public testing::Test {
 protected:
  ExportTest() { SqliteStore made(store(), StoreAccess::kReceiver); }

  std::string store() const { return folder_ / "events.db"; }

  void put(const std::vector<Life>& lives) {
    for (const Life& life : lives) fill(store(), ++stream_, life);
  }

  Said run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin() + 1, {"--store", store()});
    return run_collector(arguments);
  }
  Said run_export(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "export");
    return run(std::move(arguments));
  }

  TempFolder folder_;
  std::uint8_t stream_ = 0;
};

std::vector<json> lines(const std::string& text) {
  std::vector<json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

Life edited(const std::string& id = "s1") {
  return Life(id).offered({"x + y"}).accepted().settled("x - y");
}
Life typed_instead() { return Life("s2").offered({"x * y"}).dismissed().settled("max(x, y)"); }
Life kept() { return Life("s3").offered({"x / y"}).accepted().settled("x / y"); }

TEST_F(ExportTest, StropsFormIsReadBackAsThePair) {
  put({edited(), typed_instead(), kept()});
  const Said said = run_export({"--format", "strop"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.err, "2 pairs\n");
  std::vector<schema::PreferencePair> pairs;
  for (const json& line : lines(said.out)) pairs.push_back(schema::pair_from_json(line).value());
  ASSERT_THAT(pairs, SizeIs(2));
  EXPECT_EQ(pairs[0].chosen, "x - y");
  EXPECT_EQ(pairs[0].rejected, "x + y");
  EXPECT_EQ(pairs[0].kind, "edited");
  EXPECT_EQ(pairs[0].split, "train");
  EXPECT_EQ(pairs[1].kind, "typed_instead");
  EXPECT_THAT(pairs[0].events, ElementsAre("01010101010101010101010101010101:1",
                                           "01010101010101010101010101010101:2",
                                           "01010101010101010101010101010101:3"));
}

TEST_F(ExportTest, TrlsFormHasTheFamilysTemplate) {
  put({Life().after("a = ").before("\nb = 2\n").offered({"c + 1"}).accepted().settled("c - 1")});
  const Said said = run_export({"--format", "trl", "--family", "starcoder2"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(lines(said.out), testing::Contains(json{
                                   {"prompt", "<fim_prefix>a = <fim_suffix>\nb = 2\n<fim_middle>"},
                                   {"chosen", "c - 1"},
                                   {"rejected", "c + 1"}}));
}

// Whatever trains on a line needs a token to begin with.
TEST_F(ExportTest, NoPromptIsEmpty) {
  put({Life().after("").before("\n").offered({"c + 1"}).accepted().settled("c - 1"),
       Life("s2").after("").before("\n").offered({"d + 1"}).accepted().settled("d + 1")});
  for (const char* kind : {"--pairs", "--unpaired"}) {
    const Said said = run_export({"--format", "trl", "--family", "deepseek", kind});
    ASSERT_EQ(said.code, 0) << said.err;
    EXPECT_EQ(lines(said.out).at(0)["prompt"], "<｜end▁of▁sentence｜>") << kind;
  }
}

TEST_F(ExportTest, UnpairedExamplesCarryALabel) {
  put({kept(), typed_instead()});
  const Said said = run_export({"--format", "strop", "--unpaired"});
  ASSERT_EQ(said.code, 0) << said.err;
  std::vector<schema::UnpairedExample> examples;
  for (const json& line : lines(said.out)) {
    EXPECT_FALSE(line.contains("chosen"));
    examples.push_back(schema::example_from_json(line).value());
  }
  ASSERT_THAT(examples, SizeIs(2));
  EXPECT_EQ(examples[0].completion, "x / y");
  EXPECT_TRUE(examples[0].label);
  EXPECT_EQ(examples[1].completion, "x * y");
  EXPECT_FALSE(examples[1].label);
  const Said trl = run_export({"--format", "trl", "--family", "qwen", "--unpaired"});
  EXPECT_EQ(
      lines(trl.out).at(0),
      (json{{"prompt", "def f(x, y):\n    return "}, {"completion", "x / y"}, {"label", true}}));
}

TEST_F(ExportTest, OnlyTheKindsAskedFor) {
  put({edited(), typed_instead()});
  const Said said = run_export({"--format", "strop", "--kind", "typed_instead"});
  EXPECT_THAT(lines(said.out), SizeIs(1));
}

TEST_F(ExportTest, AFileAppearsWholeAndForItsOwnerAlone) {
  put({edited()});
  const std::string file = folder_ / "pairs.jsonl";
  const Said said = run_export({"--format", "strop", "--out", file});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err, "1 pairs written to " + file + "\n");
  EXPECT_THAT(lines(content(file)), SizeIs(1));
  struct stat facts {};
  ASSERT_EQ(::stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(file + ".new"));
}

TEST_F(ExportTest, AFileThatCannotBeWrittenSaysWhatToDo) {
  put({edited()});
  std::filesystem::create_directory(folder_ / "taken");
  struct {
    std::string file, says;
  } const table[] = {
      {folder_ / "no" / "pairs.jsonl", "folder must exist and be writable"},
      {folder_ / "taken", "that is a folder, give the name of a file in it"},
  };
  for (const auto& [file, says] : table) {
    const Said said = run_export({"--format", "strop", "--out", file});
    EXPECT_EQ(said.code, 1) << said.err;
    EXPECT_THAT(said.err, HasSubstr(says));
    EXPECT_FALSE(std::filesystem::exists(file + ".new"));
  }
}

TEST_F(ExportTest, UnnamedServersAreAskedForByName) {
  put({edited().from("")});
  EXPECT_EQ(json::parse(run({"pairs", "--json"}).out)["discards"], (json{{"unknown_server", 1}}));
  const Said said = run({"pairs", "--json", "--allow-vendor", "unnamed"});
  EXPECT_EQ(json::parse(said.out)["pairs"], (json{{"edited", 1}}));
}

TEST_F(ExportTest, RepositoriesGoByPseudonym) {
  put({edited().in_repository("github.com/team/secret-project")});
  const Said said = run_export({"--format", "strop"});
  EXPECT_THAT(said.out, testing::Not(HasSubstr("secret-project")));
  EXPECT_THAT(lines(said.out).at(0)["repo"].get<std::string>(), SizeIs(32));
}

TEST_F(ExportTest, TheSameEventsGiveTheSameSplit) {
  std::vector<Life> lives;
  lives.reserve(60);
  for (int i = 0; i < 60; ++i)
    lives.push_back(Life()
                        .in("file:///w/" + std::to_string(i) + ".py")
                        .after("a" + std::to_string(i) + " = ")
                        .offered({"x + y"})
                        .accepted()
                        .settled("x - y"));
  put(lives);
  const std::vector<std::string> ask{"--format", "strop",           "--split",
                                     "heldout",  "--heldout-share", "0.3"};
  const Said first = run_export(ask);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, run_export(ask).out);
  std::vector<std::string> train = ask;
  train[3] = "train";
  const auto trained = lines(run_export(train).out).size();
  EXPECT_EQ(lines(first.out).size() + trained, 60U);
  // By default only lines that say so themselves may be held out.
  EXPECT_THAT(lines(run_export({"--format", "strop", "--heldout-share", "0.3"}).out), SizeIs(60));
  EXPECT_THAT(
      lines(run_export({"--format", "trl", "--family", "qwen", "--heldout-share", "0.3"}).out),
      SizeIs(trained));
  const json report = json::parse(run({"pairs", "--json", "--heldout-share", "0.3"}).out);
  EXPECT_EQ(report["split"]["by"], "document");
  EXPECT_EQ(report["split"]["heldout"], lines(first.out).size());
}

TEST_F(ExportTest, TheReportCountsPairsAndDiscards) {
  put({edited(), edited(), typed_instead(), kept()});
  const json report = json::parse(run({"pairs", "--json"}).out);
  EXPECT_EQ(report, (json{{"suggestions", 4},
                          {"unreadable", 0},
                          {"pairs", {{"edited", 1}, {"typed_instead", 1}}},
                          {"discards", {{"duplicate", 1}, {"kept_as_is", 1}}},
                          {"languages", {{"python", 2}}},
                          {"examples", {{"wanted", 1}, {"unwanted", 1}}},
                          {"contributors", 1},
                          {"split",
                           {{"by", "none"},
                            {"share", 0.1},
                            {"groups", 1},
                            {"documents", 1},
                            {"train", 2},
                            {"heldout", 0}}}}));
  const Said said = run({"pairs"});
  EXPECT_THAT(said.out, HasSubstr("2 pairs of 4 suggestions by 1 contributors"));
  EXPECT_THAT(said.out, HasSubstr("1  duplicate"));
}

TEST_F(ExportTest, AnEmptyStoreSaysSo) {
  const Said pairs = run({"pairs"});
  EXPECT_EQ(pairs.code, 0);
  EXPECT_THAT(pairs.out, HasSubstr("store is empty"));
  const Said exported = run_export({"--format", "strop"});
  EXPECT_EQ(exported.code, 1);
  EXPECT_THAT(exported.err, HasSubstr("the store is empty"));
  put({kept()});
  const Said nothing = run_export({"--format", "strop"});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("`strop-collector pairs` says why"));
}

TEST_F(ExportTest, WrongUsageNamesWhatWouldBeRight) {
  put({edited()});
  struct {
    std::vector<std::string> arguments;
    std::string says;
  } const table[] = {
      {{}, "--format is required"},
      {{"--format", "csv"}, "--format takes strop, trl, not 'csv'"},
      {{"--format", "trl"}, "--family: strop, qwen, starcoder2, deepseek, codellama, codestral"},
      {{"--format", "trl", "--family", "gpt5"},
       "--family takes strop, qwen, starcoder2, deepseek, codellama, codestral, not 'gpt5'"},
      {{"--format", "strop", "--family", "qwen"}, "--family goes with --format trl"},
      {{"--format", "strop", "--split", "test"}, "--split takes train, heldout, all, not 'test'"},
      {{"--format", "strop", "--kind", "best"},
       "--kind takes edited, typed_instead, sibling, not 'best'"},
      {{"--format", "strop", "--unpaired", "--kind", "edited"},
       "takes accepted, partial, typed_through, dismissed, not 'edited'"},
      {{"--format", "strop", "--heldout-share", "1"}, "from 0 to below 1"},
      {{"--format", "strop", "--split-by", "day"}, "--split-by takes auto, repository, document"},
      {{"--format", "strop", "--allow-vendor", "acme"}, "--allow-vendor knows copilot"},
      {{"--format", "strop", "--pairs", "--unpaired"}, "excludes"},
  };
  for (const auto& [arguments, says] : table) {
    const Said said = run_export(arguments);
    EXPECT_EQ(said.code, 2) << says;
    EXPECT_THAT(said.err, HasSubstr(says));
    EXPECT_EQ(said.out, "");
  }
  const Said nowhere = run_collector({"pairs", "--store", folder_ / "none.db"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("there is no store"));
}

TEST_F(ExportTest, ASplitKeyThatOthersMayReadIsRefused) {
  put({edited()});
  ASSERT_EQ(run({"pairs"}).code, 0);
  ASSERT_EQ(::chmod((store() + ".split.key").c_str(), 0644), 0);
  const Said said = run({"pairs"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("chmod 600"));
}

// The rules at ingest may have been older: what they let pass is caught here.
TEST(ExportScrub, SecretsGoFromTheContextAndTakeTheLineWithThemElsewhere) {
  const std::string token = std::string("ghp_") + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
  schema::PreferencePair pair;
  pair.prefix = "token = '" + token + "'\nx = ";
  pair.suffix = "\n# " + token + "\n";
  pair.chosen = "1";
  pair.rejected = "2";
  EXPECT_EQ(scrub(pair), 2U);
  EXPECT_THAT(pair.prefix, testing::Not(HasSubstr(token)));
  EXPECT_THAT(pair.suffix, testing::Not(HasSubstr(token)));
  pair.rejected = "'" + token + "'";
  EXPECT_EQ(scrub(pair), std::nullopt);
  schema::UnpairedExample example;
  example.completion = token;
  EXPECT_EQ(scrub(example), std::nullopt);
}

}  // namespace
}  // namespace strop::collector
