#include "lsp/pending.h"

#include <gtest/gtest.h>

#include <memory>

namespace strop::lsp {
namespace {

MessageId number(std::int64_t n) { return n; }

TEST(PendingRequests, AnAnswerFindsItsRequestOnce) {
  PendingRequests<int> pending;
  EXPECT_FALSE(pending.add(number(1), "textDocument/completion", 10).has_value());
  ASSERT_NE(pending.find(number(1)), nullptr);
  EXPECT_EQ(pending.find(number(1))->method, "textDocument/completion");
  const auto entry = pending.take(number(1));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->payload, 10);
  EXPECT_FALSE(entry->cancelled);
  EXPECT_FALSE(pending.take(number(1)).has_value());
  EXPECT_EQ(pending.find(number(1)), nullptr);
}

TEST(PendingRequests, IntegersAndStringsAreDifferentIds) {
  PendingRequests<int> pending;
  pending.add(number(1), "a", 1);
  pending.add("1", "b", 2);
  EXPECT_EQ(pending.size(), 2u);
  EXPECT_EQ(pending.take("1")->method, "b");
  EXPECT_EQ(pending.take(number(1))->method, "a");
}

TEST(PendingRequests, ACancelledRequestStillAwaitsItsAnswer) {
  PendingRequests<int> pending;
  pending.add("x", "m", 0);
  EXPECT_TRUE(pending.cancel("x"));
  EXPECT_FALSE(pending.cancel("y"));
  EXPECT_TRUE(pending.take("x")->cancelled);
  EXPECT_FALSE(pending.cancel("x"));
}

TEST(PendingRequests, TheOldestMakesRoom) {
  PendingRequests<int> pending(3);
  for (int i = 1; i <= 3; ++i) EXPECT_FALSE(pending.add(number(i), "m", i).has_value());
  pending.take(number(2));
  EXPECT_FALSE(pending.add(number(4), "m", 4).has_value());
  const auto displaced = pending.add(number(5), "m", 5);
  ASSERT_TRUE(displaced.has_value());
  EXPECT_EQ(displaced->payload, 1);
  EXPECT_EQ(pending.size(), 3u);
  EXPECT_EQ(pending.displaced(), 1u);
}

TEST(PendingRequests, AnIdUsedAgainDisplacesItsOwnEntry) {
  PendingRequests<int> pending(2);
  pending.add(number(1), "old", 1);
  pending.add(number(2), "other", 2);
  EXPECT_EQ(pending.add(number(1), "new", 3)->method, "old");
  EXPECT_EQ(pending.take(number(1))->method, "new");
  EXPECT_EQ(pending.size(), 1u);
}

TEST(PendingRequests, TakesAllInOrder) {
  PendingRequests<std::unique_ptr<int>> pending;
  for (int i = 0; i < 3; ++i) pending.add(number(i), "m", std::make_unique<int>(i));
  int expected = 0;
  for (const auto& entry : pending.take_all()) EXPECT_EQ(*entry.payload, expected++);
  EXPECT_EQ(expected, 3);
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_FALSE(pending.take(number(1)).has_value());
}

}  // namespace
}  // namespace strop::lsp
