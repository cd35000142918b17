// What a batch does to a stream, decided without a store.
#include "collector/store/batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store_fixture.h"

namespace strop::collector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint64_t> inserted(const BatchPlan& plan) {
  std::vector<std::uint64_t> out;
  for (const BatchPlan::Row& row : plan.insert) out.push_back(row.seq);
  return out;
}

PendingBatch batch_of(std::vector<Entry> entries) {
  return {1, key_of(1, 1), "c1", std::move(entries)};
}

TEST(BatchPlan, WhatIsNewGoesInAndWhatIsThereDoesNot) {
  Standings standing{{2, {1, false, "hash of b"}}};
  const PendingBatch batch = batch_of({event(2, "b"), event(3, "c")});
  const BatchPlan plan = plan_batch(batch, 2, standing);
  EXPECT_THAT(inserted(plan), ElementsAre(3));
  EXPECT_EQ(plan.result.duplicates, 1U);
  EXPECT_EQ(plan.result.stored, 1U);
  EXPECT_EQ(plan.result.durable_through, 3U);
}

TEST(BatchPlan, AClonesBatchLeavesNothingBehind) {
  Standings standing{{2, {1, false, "hash of b"}}};
  const PendingBatch batch = batch_of({forgotten(1, 1), event(2, "B"), event(3, "c")});
  const BatchPlan plan = plan_batch(batch, 2, standing);
  EXPECT_TRUE(plan.result.quarantined);
  EXPECT_THAT(plan.insert, IsEmpty());
  EXPECT_THAT(plan.erase, IsEmpty());
  EXPECT_EQ(standing.size(), 1U);
}

TEST(BatchPlan, NothingGoesInPastAHole) {
  Standings standing;
  const PendingBatch batch = batch_of({event(5, "e")});
  const BatchPlan plan = plan_batch(batch, 3, standing);
  EXPECT_TRUE(plan.result.hole);
  EXPECT_EQ(plan.result.durable_through, 3U);
  EXPECT_THAT(plan.insert, IsEmpty());
}

TEST(BatchPlan, AGapTakesThePlaceOfWhatTheSameBatchBrought) {
  Standings standing;
  const PendingBatch batch = batch_of({event(1, "a"), event(2, "b"), forgotten(1, 2)});
  const BatchPlan plan = plan_batch(batch, 0, standing);
  EXPECT_THAT(inserted(plan), ElementsAre(1));
  EXPECT_TRUE(plan.insert.front().entry->gap);
  EXPECT_EQ(plan.result.erased, 2U);
  EXPECT_EQ(plan.result.durable_through, 2U);
}

TEST(BatchPlan, WhatIsForgottenTakesThePlaceOfEventsBetweenGaps) {
  Standings standing{
      {1, {2, true, "gap"}}, {3, {1, false, "c"}}, {4, {1, false, "d"}}, {5, {5, true, "gap"}}};
  const PendingBatch batch = batch_of({forgotten(2, 6)});
  const BatchPlan plan = plan_batch(batch, 9, standing);
  EXPECT_THAT(inserted(plan), ElementsAre(3));
  EXPECT_EQ(plan.insert.front().span, 2U);
  EXPECT_EQ(plan.result.durable_through, 9U);
  EXPECT_EQ(plan_batch(batch, 9, standing).result.duplicates, 1U);
}

TEST(BatchPlan, WhatIsForgottenGoesOnBehindAnOlderGap) {
  Standings standing{{1, {3, true, "gap"}}};
  const PendingBatch batch = batch_of({forgotten(1, 8)});
  const BatchPlan plan = plan_batch(batch, 3, standing);
  EXPECT_THAT(inserted(plan), ElementsAre(4));
  EXPECT_EQ(plan.insert.front().span, 5U);
}

TEST(BatchPlan, WhatWasGivenUpTakesNothingsPlace) {
  Standings standing{{2, {1, false, "hash of b"}}};
  const PendingBatch batch = batch_of({gap(1, 5)});
  const BatchPlan plan = plan_batch(batch, 3, standing);
  EXPECT_THAT(plan.erase, IsEmpty());
  EXPECT_THAT(plan.found, IsEmpty());
  EXPECT_THAT(inserted(plan), ElementsAre(4));
  EXPECT_EQ(plan.insert.front().span, 2U);
  EXPECT_EQ(plan.result.durable_through, 5U);
  EXPECT_EQ(plan_batch(batch, 5, standing).result.duplicates, 1U);
}

TEST(BatchPlan, WhatAGapCoversStaysErased) {
  Standings standing{{1, {9, true, "hash of gap"}}};
  const PendingBatch batch = batch_of({event(5, "late")});
  const BatchPlan plan = plan_batch(batch, 9, standing);
  EXPECT_THAT(plan.insert, IsEmpty());
  EXPECT_EQ(plan.result.duplicates, 1U);
}

}  // namespace
}  // namespace strop::collector
