// Killed at random steps and instants, fifty times, a run ends as if it had never been. The seed is
// printed; STROP_KILL_SEED=N draws the same kills again, though not at the same nanoseconds.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <random>

#include "honing.h"
#include "trainer/checkpoint.h"

namespace strop::trainer {
namespace {

constexpr int kKills = 50;

// Steps that the run has told of, those done twice counted twice.
std::size_t lines_of(const std::string& file) {
  std::ifstream in(file);
  std::size_t out = 0;
  for (std::string line; std::getline(in, line);) ++out;
  return out;
}

std::int64_t step_of(const std::string& checkpoint) {
  const auto loaded = load_checkpoint(checkpoint);
  if (!loaded) throw std::runtime_error(loaded.error());
  return *loaded ? (**loaded).state.at("step").get<std::int64_t>() : 0;
}

// When a kill falls due, of a run that has just begun: at once, while a checkpoint is written, or
// after some steps.
class Instant {
 public:
  Instant(std::mt19937& random, const std::string& out)
      : out_(out), lines_(lines_of(metrics()) + 1 + random() % 6), kind_(random() % 8) {}

  bool has_come() const {
    return kind_ == 0 || (kind_ == 1 && std::filesystem::exists(out_ + "/checkpoint.new")) ||
           lines_of(metrics()) >= lines_;
  }

 private:
  std::string metrics() const { return out_ + "/metrics.jsonl"; }

  std::string out_;
  std::size_t lines_;
  unsigned long kind_;
};

unsigned chosen_seed() {
  const char* asked = std::getenv("STROP_KILL_SEED");
  return asked != nullptr ? static_cast<unsigned>(std::stoul(asked)) : std::random_device{}();
}

// 300 steps: far more than fifty lives do.
TEST(Kill, FiftyTimesItEndsWithTheSameBytes) {
  const Honing honing("epochs = 50\nbatch = 2\nshard = 1\ncheckpoint_every = 2\n");
  Honing::Process whole = honing.start("whole");
  const std::string checkpoint = honing.out("cut") + "/checkpoint";
  const unsigned seed = chosen_seed();
  std::printf("STROP_KILL_SEED=%u\n", seed);
  std::mt19937 random(seed);
  std::int64_t reached = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill) + " of STROP_KILL_SEED=" + std::to_string(seed));
    Honing::Process run = honing.start("cut");
    const Instant instant(random, honing.out("cut"));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!instant.has_come() && !run.ended()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      ::poll(nullptr, 0, 1);
    }
    run.kill();
    ASSERT_EQ(run.wait(), 128 + SIGKILL) << "it ended by itself";
    const std::int64_t step = step_of(checkpoint);
    EXPECT_GE(step, reached);  // there is a whole one, and it never goes back
    reached = step;
  }
  EXPECT_GT(reached, 20);
  std::printf("%d kills, the last behind step %ld\n", kKills, static_cast<long>(reached));
  ASSERT_EQ(honing.start("cut").wait(), 0);
  ASSERT_EQ(whole.wait(), 0);
  EXPECT_TRUE(honing.adapter("whole") == honing.adapter("cut"));
  EXPECT_FALSE(std::filesystem::exists(checkpoint));
}

}  // namespace
}  // namespace strop::trainer
