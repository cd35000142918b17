// The spool against a model of it: thousands of random lives with power cuts, kills, damage and
// full disks, after which everything captured has arrived as it was, or is counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "agent/log.h"
#include "spool_world.h"

namespace strop::agent::test {
namespace {

constexpr int kSteps = 40;
// Under a sanitizer each takes much longer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kLives = 200;
#else
constexpr std::uint64_t kLives = 1200;
#endif

// Empty: nothing was found.
std::string live(std::uint64_t seed, const Troubles& troubles) {
  SpoolWorld world(seed, troubles);
  try {
    for (int i = 0; i < kSteps && world.finding().empty(); ++i) world.step();
    world.check();
    if (world.finding().empty()) world.finish();
  } catch (const std::exception& error) {
    return std::string(error.what()) + "\n" + world.story();
  }
  return world.finding().empty() ? "" : world.finding() + "\n" + world.story();
}

// STROP_SPOOL_SEED=N has N's life alone.
class SpoolModelTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // The disk is a model: memory serves as well, and much faster.
    if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
    // What the disk refuses is logged, thousands of times.
    static const support::TemporaryFolder folder;
    open_log(folder / "log");
  }
  SpoolModelTest() {
    if (const char* given = std::getenv("STROP_SPOOL_SEED")) {
      first_ = std::stoull(given);
      lives_ = 1;
    } else {
      first_ = std::random_device{}();
    }
    std::cout << "STROP_SPOOL_SEED=" << first_ << " and the " << lives_ - 1 << " after it\n";
  }

  void expect_nothing_found(const Troubles& troubles) {
    for (std::uint64_t i = 0; i < lives_; ++i) {
      const std::string finding = live(first_ + i, troubles);
      ASSERT_EQ(finding, "") << "STROP_SPOOL_SEED=" << first_ + i;
    }
  }
  // That the model sees what it is there to see.
  void expect_found(const Troubles& troubles) {
    for (std::uint64_t i = 0; i < lives_; ++i)
      if (!live(first_ + i, troubles).empty()) return;
    ADD_FAILURE() << "nothing was found in " << lives_ << " lives";
  }

  std::uint64_t first_ = 0;
  std::uint64_t lives_ = kLives;
};

TEST_F(SpoolModelTest, InQuietEveryCountIsExact) {
  lives_ = std::min<std::uint64_t>(lives_, 300);
  Troubles full = Troubles::none();
  full.full_disk = true;
  expect_nothing_found(full);
}

TEST_F(SpoolModelTest, KilledNothingThatWasAppendedIsMissing) {
  lives_ = std::min<std::uint64_t>(lives_, 500);
  Troubles kills = Troubles::none();
  kills.kills = true;
  expect_nothing_found(kills);
}

TEST_F(SpoolModelTest, WhateverHappensNothingSyncedIsMissingUncounted) { expect_nothing_found({}); }

TEST_F(SpoolModelTest, WithoutTheSyncOfFilesSomethingIsMissing) {
  Troubles troubles;
  troubles.honesty.files = false;
  troubles.flipped_bytes = troubles.failing_sync = false;
  expect_found(troubles);
}

TEST_F(SpoolModelTest, WithoutTheSyncOfFoldersSomethingIsMissing) {
  Troubles troubles;
  troubles.honesty.folders = false;
  troubles.flipped_bytes = troubles.failing_sync = false;
  expect_found(troubles);
}

}  // namespace
}  // namespace strop::agent::test
