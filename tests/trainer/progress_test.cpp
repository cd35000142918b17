// Progress off a terminal: plain lines, now and then, with the time left by the injected clock.
#include "trainer/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

TEST(Progress, ClockTextReadsLikeAClock) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(65.9), "1:05");
  EXPECT_EQ(clock_text(3723), "1:02:03");
  EXPECT_EQ(clock_text(-5), "0:00");
}

TEST(Progress, LinesComeEveryFifteenSecondsAndAtTheEnd) {
  double now = 100;
  testing::internal::CaptureStderr();
  {
    Progress progress("train", 10, 0, "", [&] { return now; });
    for (int step = 1; step <= 10; ++step) {
      now += 5;
      progress.step(step, "loss " + std::to_string(step));
    }
    EXPECT_EQ(progress.seconds(), 50);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "train 1/10  loss 1  0:45 left\n"
            "train 4/10  loss 4  0:30 left\n"
            "train 7/10  loss 7  0:15 left\n"
            "train 10/10  loss 10  0:00 left\n");
}

TEST(Progress, TheTimeLeftOfAResumedRunCountsItsOwnStepsAlone) {
  double now = 0;
  testing::internal::CaptureStderr();
  Progress progress("train", 100, 90, "", [&] { return now; });
  now = 20;
  progress.step(92, "x");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "train 92/100  x  1:20 left\n");
}

TEST(Progress, MetricsAreJsonLinesKeptByAResumedRun) {
  const TemporaryFolder folder;
  const std::string path = folder / "metrics.jsonl";
  Progress("train", 2, 0, path).metric({{"step", 1}});
  Progress("train", 2, 1, path).metric({{"step", 2}});
  EXPECT_EQ(read_bytes(path), "{\"step\":1}\n{\"step\":2}\n");
  Progress("train", 2, 0, path).metric({{"step", 9}});
  EXPECT_EQ(read_bytes(path), "{\"step\":9}\n");
  EXPECT_THROW(Progress("train", 2, 0, folder / "none/metrics.jsonl"), std::runtime_error);
}

}  // namespace
}  // namespace strop::trainer
