#include "collector/rate_limit.h"

#include <gtest/gtest.h>

#include "collector/log_budget.h"

namespace strop::collector {
namespace {

constexpr double kMinute = 60'000;

TEST(RateLimit, AMinuteMayBeUsedAtOnceAndComesBackBitByBit) {
  RateLimit limit(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.use("a", 0));
  EXPECT_FALSE(limit.use("a", 0));
  EXPECT_TRUE(limit.is_spent("a", kMinute / 3 - 1));
  EXPECT_FALSE(limit.is_spent("a", kMinute / 3 + 1));
  EXPECT_TRUE(limit.use("a", kMinute / 3 + 1));
  EXPECT_FALSE(limit.use("a", kMinute / 3 + 1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.use("a", 9 * kMinute));  // no more than a minute's
  EXPECT_FALSE(limit.use("a", 9 * kMinute));
}

TEST(RateLimit, ANameIsNotHeldUpByAnother) {
  RateLimit limit(1);
  EXPECT_TRUE(limit.use("a", 0));
  EXPECT_FALSE(limit.use("a", 0));
  EXPECT_TRUE(limit.use("b", 0));
  EXPECT_FALSE(limit.is_spent("c", 0));
}

TEST(RateLimit, NoneIsNone) {
  RateLimit limit(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.use("a", 0));
  EXPECT_FALSE(limit.is_spent("a", 0));
}

TEST(LogBudget, WhatIsLeftOutIsToldByTheNextLineOfItsKind) {
  LogBudget budget(2);
  EXPECT_EQ(budget.take("hello", 0), 0U);
  EXPECT_EQ(budget.take("hello", 0), 0U);
  EXPECT_FALSE(budget.take("hello", 0));
  EXPECT_FALSE(budget.take("hello", 0));
  EXPECT_EQ(budget.take("refused", 0), 0U);
  EXPECT_EQ(budget.take("hello", kMinute), 2U);
  EXPECT_EQ(budget.take("hello", kMinute), 0U);
}

// Made-up names must not fill the memory.
TEST(RateLimit, ManyNamesAreForgottenInTime) {
  RateLimit limit(1);
  for (int i = 0; i < 200'000; ++i) limit.use(std::to_string(i), 0);
  EXPECT_LE(limit.names(), 65536U);
}

TEST(OnceASecond, LetsOneThrough) {
  OnceASecond logged;
  EXPECT_TRUE(logged.now(0));
  EXPECT_FALSE(logged.now(999));
  EXPECT_TRUE(logged.now(1000));
}

}  // namespace
}  // namespace strop::collector
