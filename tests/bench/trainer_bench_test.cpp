// The trainer's benchmark runs, on a tiny model and without TRL, and says what CONTRACTS.md's rows
// have. No speed is asserted.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::bench {
namespace {

using nlohmann::json;

std::vector<std::string> trainer_bench(const std::vector<std::string>& flags) {
  std::vector<std::string> command{STROP_BIN_DIR "/../tests/strop_bench_trainer", "--trainer",
                                   STROP_BIN_DIR "/strop-trainer"};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

TEST(TrainerBench, MeasuresAndSaysItInRows) {
  const support::TemporaryFolder folder;
  const std::string file = folder / "rows.json";
  const std::string pairs = folder / "pairs.jsonl";
  std::ofstream lines(pairs);
  for (const char* name : {"alpha", "beta"})
    lines << json{{"v", 1},
                  {"prefix", std::string("import ") + name + "\n"},
                  {"suffix", "\n"},
                  {"chosen", std::string(name) + ".run()"},
                  {"rejected", std::string(name) + ".stop()"}}
          << '\n';
  lines.close();

  support::Process bench(
      trainer_bench({"--base", STROP_SOURCE_DIR "/models/strop-tiny", "--pairs", pairs, "--prompt",
                     "64", "--completion", "24", "--scale", "0.1", "--json", file}),
      {});
  ASSERT_EQ(bench.wait(), 0);

  const json said = json::parse(std::ifstream(file));
  EXPECT_THAT(said.at("versions").at("strop-trainer").get<std::string>(),
              testing::HasSubstr("strop-trainer"));
  int goals = 0;
  for (const json& row : said.at("rows")) {
    EXPECT_THAT(row.at("bench").get<std::string>(), testing::HasSubstr("strop-tiny"));
    EXPECT_GT(row.at("value").get<double>(), 0) << row;
    EXPECT_EQ(row.at("ratio").is_number(), row.at("against").is_string()) << row;
    goals += row.at("goal").is_null() ? 0 : 1;
  }
  EXPECT_EQ(goals, 1);  // of the matrix products; TRL is not there
}

TEST(TrainerBench, SaysWhatIsWrong) {
  support::Process nothing_to_train(trainer_bench({}), {});
  EXPECT_EQ(nothing_to_train.wait(), 2);
  support::Process no_pairs(trainer_bench({"--base", STROP_SOURCE_DIR "/models/strop-tiny"}), {});
  EXPECT_EQ(no_pairs.wait(), 2);
}

}  // namespace
}  // namespace strop::bench
