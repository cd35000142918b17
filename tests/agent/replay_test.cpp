// Every recorded session gives what happened in it.
#include "agent/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/session.h"

namespace {

using nlohmann::json;
using strop::agent::replay_main;
using testing::HasSubstr;
namespace fs = std::filesystem;

struct Replayed {
  int code = 0;
  std::vector<json> events;
  std::string error;
};

Replayed replay(const fs::path& file, const std::string& mode = "full") {
  std::ostringstream out;
  std::ostringstream err;
  Replayed replayed;
  replayed.code = replay_main(file, mode, out, err);
  replayed.error = err.str();
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) replayed.events.push_back(json::parse(line));
  return replayed;
}

// A suggestion's last outcome: one that corrects replaces the one before it.
std::vector<json> outcomes(const std::vector<json>& events) {
  std::vector<json> out;
  std::map<std::string, std::size_t> place;
  for (const json& event : events) {
    if (event["type"] != "outcome") continue;
    const std::string id = event["suggestion"];
    if (const auto known = place.find(id); known != place.end()) {
      EXPECT_TRUE(event.contains("corrects")) << "a second outcome: " << event;
      out[known->second] = event;
      continue;
    }
    place[id] = out.size();
    out.push_back(event);
  }
  return out;
}

class TempFile {
 public:
  explicit TempFile(const std::string& text)
      : path_(fs::temp_directory_path() /
              ("strop-replay-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name() + ".jsonl")) {
    std::ofstream(path_) << text;
  }
  ~TempFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class Session : public testing::TestWithParam<fs::path> {};

TEST_P(Session, GivesWhatHappened) {
  const fs::path truth = fs::path(GetParam()).replace_extension(".expected.json");
  const json expected = json::parse(std::ifstream(truth));
  const Replayed replayed = replay(GetParam());
  ASSERT_EQ(replayed.code, 0) << replayed.error;
  std::vector<json> listed;
  for (const json& outcome : outcomes(replayed.events)) {
    const std::string word = outcome["outcome"];
    if (word != "ignored" && word != "unseen" && word != "unknown") listed.push_back(outcome);
  }
  ASSERT_EQ(listed.size(), expected["suggestions"].size()) << json(listed).dump(1);
  for (std::size_t i = 0; i < listed.size(); ++i)
    for (const auto& [field, value] : expected["suggestions"][i].items())
      EXPECT_EQ(listed[i].value(field, json()), value) << field << " of " << listed[i].dump(1);
}

TEST_P(Session, TellsEverySuggestionsLifeInOrder) {
  std::map<std::string, std::vector<std::string>> lives;
  double last = 0;
  for (const json& event : replay(GetParam()).events) {
    EXPECT_GE(event["t_ms"], last);
    last = event["t_ms"];
    lives[event["suggestion"]].push_back(event["type"]);
  }
  EXPECT_FALSE(lives.empty());
  for (const auto& [id, types] : lives) {
    EXPECT_EQ(types.front(), "offered") << id;
    EXPECT_GE(std::count(types.begin(), types.end(), "outcome"), 1) << id;
    EXPECT_LE(std::count(types.begin(), types.end(), "shown"), 1) << id;
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, Session,
                         testing::ValuesIn(strop::support::session_files(STROP_TESTS_DIR)),
                         [](const auto& file) { return file.param.stem().string(); });

fs::path fakeinline() { return fs::path(STROP_TESTS_DIR) / "sessions/vscode1100_fakeinline.jsonl"; }

TEST(Replay, MetricsOnlyKeepsNoText) {
  const Replayed replayed = replay(fakeinline(), "metrics-only");
  EXPECT_EQ(replayed.code, 0);
  ASSERT_FALSE(replayed.events.empty());
  for (const json& event : replayed.events)
    EXPECT_THAT(event.dump(), testing::Not(HasSubstr("display_order"))) << event.dump(1);
}

TEST(Replay, OffGivesNothing) {
  const Replayed replayed = replay(fakeinline(), "off");
  EXPECT_EQ(replayed.code, 0);
  EXPECT_TRUE(replayed.events.empty());
}

TEST(Replay, AnUnknownModeIsWrongUsage) {
  const Replayed replayed = replay(fakeinline(), "everything");
  EXPECT_EQ(replayed.code, 2);
  EXPECT_THAT(replayed.error, HasSubstr("'everything'"));
}

TEST(Replay, AFileThatIsNotThereIsNamed) {
  const Replayed replayed = replay("/nowhere/session.jsonl");
  EXPECT_EQ(replayed.code, 1);
  EXPECT_THAT(replayed.error, HasSubstr("/nowhere/session.jsonl"));
}

TEST(Replay, ABadLineIsNamedByItsNumber) {
  const TempFile file(
      "{\"t_ms\":1,\"dir\":\"c2s\",\"raw\":\"{}\"}\n\n{\"t_ms\":2,\"dir\":\"up\",\"raw\":\"\"}\n");
  const Replayed replayed = replay(file.path());
  EXPECT_EQ(replayed.code, 1);
  EXPECT_THAT(replayed.error, HasSubstr("line 3"));
  EXPECT_THAT(replayed.error, HasSubstr("\"up\""));
}

TEST(Replay, MessagesThatCannotBeReadArePassedOverAndCounted) {
  const TempFile file(
      R"({"t_ms":1,"dir":"c2s","raw":"{\"method\":\"textDocument/didOpen\",\"params\":5}"})"
      "\n");
  const Replayed replayed = replay(file.path());
  EXPECT_EQ(replayed.code, 0);
  EXPECT_THAT(replayed.error, HasSubstr("1 messages"));
}

TEST(Replay, MetricsOnlyIsWhatTheGateLetsOut) {
  const Replayed counted = replay(fakeinline(), "metrics-only");
  const Replayed whole = replay(fakeinline());
  ASSERT_EQ(counted.events.size(), whole.events.size());
  std::map<json, json> names;  // uri → pseudonym
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    const json& event = counted.events[i];
    const std::string name = event["uri"];
    EXPECT_EQ(name.rfind("strop:", 0), 0u) << event.dump(1);
    EXPECT_EQ(names.emplace(whole.events[i]["uri"], name).first->second, name);
    EXPECT_TRUE(event.contains("secret_rules"));
    if (event["type"] != "offered") continue;
    EXPECT_EQ(event["position"], (json{{"line", 0}, {"character", 0}})) << event.dump(1);
    for (const json& candidate : event["candidates"]) EXPECT_GT(candidate["chars"], 0);
  }
}

TEST(Replay, AFileThatIsNotThereComesWithWhatToDo) {
  EXPECT_THAT(replay("/nowhere/session.jsonl").error,
              HasSubstr("No such file or directory; give the path of a recorded session"));
}

}  // namespace
