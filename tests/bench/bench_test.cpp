// The benchmarks run, at a small scale, and say what CONTRACTS.md's rows have. No speed is
// asserted: what a machine does beside the tests is nobody's fault.
#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::bench {
namespace {

using nlohmann::json;

const std::string kPrograms = std::string(STROP_BIN_DIR) + "/../tests/";

std::vector<std::string> agent_bench(const std::vector<std::string>& flags) {
  std::vector<std::string> command{kPrograms + "strop_bench_agent",
                                   "--agent",
                                   std::string(STROP_BIN_DIR) + "/strop-agent",
                                   "--pump",
                                   kPrograms + "strop-byte-pump",
                                   "--server",
                                   kPrograms + "strop-bench-server"};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

// A machine that does much else takes long.
constexpr std::chrono::minutes kPatience{5};

// What CONTRACTS.md says of every row. Returns how many rows have a goal.
int check_rows(const json& said, std::set<std::string>& benches) {
  EXPECT_THAT(said.at("date").get<std::string>(), testing::HasSubstr("T"));
  EXPECT_GE(said.at("machine").at("cores"), 1);
  int goals = 0;
  for (const json& row : said.at("rows")) {
    benches.insert(row.at("bench"));
    EXPECT_TRUE(row.at("case").is_string()) << row;
    EXPECT_TRUE(row.at("value").is_number()) << row;
    EXPECT_TRUE(row.at("unit").is_string()) << row;
    EXPECT_TRUE(row.at("against").is_string() || row.at("against").is_null()) << row;
    EXPECT_EQ(row.at("ratio").is_number(), row.at("against").is_string()) << row;
    EXPECT_TRUE(row.at("ok").is_boolean()) << row;
    if (row.at("goal").is_null())
      EXPECT_EQ(row.at("ok"), true) << row;
    else
      ++goals;
  }
  return goals;
}

TEST(AgentBench, MeasuresEverythingAndSaysItInRows) {
  const support::TemporaryFolder folder;
  const std::string file = folder / "rows.json";

  support::Process bench(agent_bench({"--scale", "0.004", "--json", file}), {});
  ASSERT_EQ(bench.wait(kPatience), 0);

  const json said = json::parse(std::ifstream(file));
  EXPECT_THAT(said.at("versions").at("strop-agent").get<std::string>(),
              testing::HasSubstr("strop-agent"));
  std::set<std::string> benches;
  EXPECT_EQ(check_rows(said, benches), 12 + 14 + 2 + 1 + 1 + 4);
  EXPECT_EQ(benches.size(), 10u) << said.dump(1);
}

TEST(CollectorBench, MeasuresEverythingAndSaysItInRows) {
  const support::TemporaryFolder folder;
  const std::string file = folder / "rows.json";

  support::Process bench({kPrograms + "strop_bench_collector", "--collector",
                          std::string(STROP_BIN_DIR) + "/strop-collector", "--agent",
                          std::string(STROP_BIN_DIR) + "/strop-agent", "--server",
                          kPrograms + "strop-bench-server", "--scale", "0.01", "--json", file},
                         {});
  ASSERT_EQ(bench.wait(kPatience), 0);

  const json said = json::parse(std::ifstream(file));
  EXPECT_THAT(said.at("versions").at("strop-collector").get<std::string>(),
              testing::HasSubstr("strop-collector"));
  std::set<std::string> benches;
  EXPECT_EQ(check_rows(said, benches), 2 * 2 + 2 * 2 * 2 + 2 * 2 + 1 + 2);
  EXPECT_EQ(benches.size(), 7u) << said.dump(1);
}

TEST(AgentBench, SaysWhatIsWrong) {
  support::Process unwritable(agent_bench({"--json", "/nowhere/rows.json"}), {});
  EXPECT_EQ(unwritable.wait(), 2);
  support::Process no_agent({kPrograms + "strop_bench_agent"}, {});
  EXPECT_EQ(no_agent.wait(), 2);
}

// What the relays are measured against relays at all, both ways, and ends as the server does.
TEST(BytePump, CarriesBothWaysAndEndsWithTheServer) {
  support::Pipe in;
  support::Pipe out;
  support::Process pump({kPrograms + "strop-byte-pump", "sh", "-c", "cat; exit 3"},
                        {in.read.get(), out.write.get(), -1});
  in.read.close();
  out.write.close();
  ASSERT_EQ(::write(in.write.get(), "there and back", 14), 14);
  std::string back(14, ' ');
  ASSERT_EQ(::read(out.read.get(), back.data(), back.size()), 14);
  EXPECT_EQ(back, "there and back");
  in.write.close();
  EXPECT_EQ(pump.wait(), 3);
}

}  // namespace
}  // namespace strop::bench
