// Nothing lost, nothing twice, through a hundred faults of every kind; and the oracle that says so.
// STROP_FAULTS_SEED draws the same faults again, STROP_FAULTS another number of them.
#include "faults/fault_run.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <random>

namespace strop::faults {
namespace {

std::uint32_t number_from(const char* variable, std::uint32_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : otherwise;
}

Programs programs() {
  const std::string bin = STROP_BIN_DIR;
  return {bin + "/strop-agent", bin + "/strop-collector", bin + "/../tests/strop-fault-writer"};
}

// How long ago a connection was heard of has nothing to do with the time of day: else one that is
// gone would keep its place until the clock has caught up.
TEST(Faults, AClockThatIsSetBackKeepsNoPlaceForAConnectionThatIsGone) {
  if (const std::string missing = JumpingClock::missing(); !missing.empty())
    std::cout << "NOT CHECKED: clock jumps: " << missing << std::endl;
  SmallDisk::prepare();  // mounts of one's own, for what killed processes leave behind
  Stage stage(programs(), false, 1, "sessions_per_key = 1\n");
  RestlessAgent& agent = *stage.restless().front();
  const auto settled = [&agent] { return agent.settled(); };
  agent.make(5);
  ASSERT_TRUE(stage.live_until(settled, std::chrono::seconds(30)));
  stage.collectors_clock().jump(-std::chrono::hours(24));
  agent.come_again();
  agent.make(5);
  EXPECT_TRUE(stage.live_until(settled, std::chrono::seconds(60)));
}

// Its connection ends, as it must; libzmq would rather keep it for ever, and once end the process.
TEST(Faults, AMessageAlteredOnItsWayEndsItsConnectionAndNothingElse) {
  SmallDisk::prepare();  // mounts of one's own, for what killed processes leave behind
  Stage stage(programs(), false, 1);
  RestlessAgent& agent = *stage.restless().front();
  const auto settled = [&agent] { return agent.settled(); };
  constexpr std::chrono::seconds kSoon(30);
  agent.make(5);
  ASSERT_TRUE(stage.live_until(settled, kSoon));
  const std::size_t before = stage.collectors_sockets();
  // Either it connects anew, or libzmq has done so and a later batch is asked for a greeting.
  const auto setbacks = [&agent] { return agent.connections() + agent.refusals(); };
  const std::uint64_t before_it = setbacks();
  constexpr std::uint64_t kTimes = 8;
  for (std::uint64_t i = 0; i < kTimes; ++i) {
    stage.proxy(1).swap_bytes();
    agent.make(5);
    ASSERT_TRUE(stage.live_until(settled, kSoon)) << testing::PrintToString(stage.complaints());
  }
  EXPECT_GE(setbacks(), before_it + kTimes) << "not each was altered";
  EXPECT_TRUE(stage.live_until([&] { return stage.collectors_sockets() <= before; }, kSoon))
      << stage.collectors_sockets() << " sockets, not " << before;
  EXPECT_THAT(stage.complaints(), testing::IsEmpty());
}

TEST(Faults, EveryCapturedEventIsStoredOnceOrCountedWithItsReason) {
  const std::uint32_t seed = number_from("STROP_FAULTS_SEED", std::random_device{}());
  std::cout << "STROP_FAULTS_SEED=" << seed << std::endl;

  FaultRun run({.faults = number_from("STROP_FAULTS", 100),
                .seed = seed,
                .programs = programs(),
                .long_silence = false});
  const FaultReport report = run.run();

  print_faults(report, std::cout);
  print_findings(report, std::cout);
  EXPECT_THAT(report.findings, testing::IsEmpty()) << "STROP_FAULTS_SEED=" << seed;
  EXPECT_GT(report.last.stored, 500u);
}

}  // namespace
}  // namespace strop::faults
