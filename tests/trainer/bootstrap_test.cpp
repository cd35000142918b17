// Ratios with intervals by file.
#include "trainer/bootstrap.h"

#include <gtest/gtest.h>

namespace strop::trainer {
namespace {

TEST(Bootstrap, TheRatioIsThatOfTheMeans) {
  const Ratio ratio = bootstrap_ratio({{{2, 4}, {6, 4}}, {{4, 8}, {4, 8}}});
  EXPECT_DOUBLE_EQ(ratio.before, 0.5);
  EXPECT_DOUBLE_EQ(ratio.after, 10.0 / 12);
  EXPECT_DOUBLE_EQ(ratio.ratio, 10.0 / 6);
}

TEST(Bootstrap, TheSameEverywhereHasNoSpread) {
  std::vector<PairedShare> files(20, {{3, 10}, {6, 10}});
  const Ratio ratio = bootstrap_ratio(files);
  EXPECT_DOUBLE_EQ(ratio.low, 2);
  EXPECT_DOUBLE_EQ(ratio.high, 2);
}

TEST(Bootstrap, FilesThatDifferSpreadIt) {
  std::vector<PairedShare> files;
  files.reserve(30);
  for (int i = 0; i < 30; ++i) files.push_back({{4, 10}, {i % 2 == 0 ? 2.0 : 8.0, 10}});
  const Ratio ratio = bootstrap_ratio(files);
  EXPECT_DOUBLE_EQ(ratio.ratio, 1.25);
  // The spread of a mean of 30 that are each 0.5 or 2: 1.96 · 0.75 / √30 = 0.27 about it.
  EXPECT_NEAR(ratio.low, 1.25 - 0.27, 0.06);
  EXPECT_NEAR(ratio.high, 1.25 + 0.27, 0.06);
}

TEST(Bootstrap, IsTheSameEachTime) {
  const std::vector<PairedShare> files{{{1, 4}, {3, 4}}, {{2, 4}, {2, 4}}, {{5, 4}, {4, 4}}};
  const Ratio a = bootstrap_ratio(files);
  const Ratio b = bootstrap_ratio(files);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
}

TEST(Bootstrap, NothingBeforeIsNoRatio) {
  const Ratio ratio = bootstrap_ratio({{{0, 4}, {3, 4}}});
  EXPECT_EQ(ratio.ratio, 0);
  EXPECT_EQ(bootstrap_ratio({}).ratio, 0);
}

}  // namespace
}  // namespace strop::trainer
