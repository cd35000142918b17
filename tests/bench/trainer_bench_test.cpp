// The trainer's benchmark runs, on a tiny model and without what it compares with, and says what
// CONTRACTS.md's rows have. No speed is asserted.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/descriptor.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::bench {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Pair;

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

  const std::string base = STROP_SOURCE_DIR "/models/strop-tiny";
  const std::string messages = folder / "messages";
  const support::Descriptor err = support::open_to_append(messages);
  support::Process bench(trainer_bench({"--base", base, "--pairs", pairs, "--prompt", "64",
                                        "--completion", "24", "--scale", "0.02", "--json", file}),
                         {.err = err.get()});
  const int code = bench.wait();
  std::ostringstream told;
  told << std::ifstream(messages).rdbuf();
  ASSERT_EQ(code, 0) << told.str();

  const json said = json::parse(std::ifstream(file));
  EXPECT_THAT(said.at("versions").at("strop-trainer").get<std::string>(),
              HasSubstr("strop-trainer"));
  std::map<std::string, int> rows;
  std::map<std::string, int> goals;
  for (const json& row : said.at("rows")) {
    const std::string name = row.at("bench").get<std::string>();
    const std::string kind = name.substr(0, name.find_first_of(" ,"));
    ++rows[kind];
    if (!row.at("goal").is_null()) ++goals[kind];
    EXPECT_GT(row.at("value").get<double>(), 0) << row;
    EXPECT_EQ(row.at("ratio").is_number(), row.at("against").is_string()) << row;
  }
  // Not where strop-trainer refuses it.
  const bool bfloat16 = !testing::Value(told.str(), HasSubstr("bfloat16: not measured"));
  EXPECT_THAT(rows, ElementsAre(Pair("DPO", Ge(3)), Pair("loading", 3),
                                Pair("serve", bfloat16 ? 4 : 2), Pair("tokenizer", 2)));
  // To the matrix products, of float32 computed two ways, and to read(); nothing else is there to
  // compare with.
  EXPECT_THAT(goals, ElementsAre(Pair("DPO", bfloat16 ? 3 : 2), Pair("loading", 2)));
}

TEST(TrainerBench, SaysWhatIsWrong) {
  support::Process nothing_to_train(trainer_bench({}), {});
  EXPECT_EQ(nothing_to_train.wait(), 2);
  support::Process no_pairs(trainer_bench({"--base", STROP_SOURCE_DIR "/models/strop-tiny"}), {});
  EXPECT_EQ(no_pairs.wait(), 2);
}

}  // namespace
}  // namespace strop::bench
