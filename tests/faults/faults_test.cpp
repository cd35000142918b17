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

TEST(Faults, EveryCapturedEventIsStoredOnceOrCountedWithItsReason) {
  const std::string bin = STROP_BIN_DIR;
  const std::uint32_t seed = number_from("STROP_FAULTS_SEED", std::random_device{}());
  std::cout << "STROP_FAULTS_SEED=" << seed << std::endl;

  FaultRun run(
      {number_from("STROP_FAULTS", 100),
       seed,
       {bin + "/strop-agent", bin + "/strop-collector", bin + "/../tests/strop-fault-writer"}});
  const FaultReport report = run.run();

  print(report, std::cout);
  EXPECT_THAT(report.findings, testing::IsEmpty()) << "STROP_FAULTS_SEED=" << seed;
  EXPECT_GT(report.last.stored, 500u);
}

}  // namespace
}  // namespace strop::faults
