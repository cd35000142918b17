// What the intake does while a commit lasts.
#include "collector/intake_fixture.h"

namespace strop::collector::test {
namespace {

using schema::Ack;
using schema::Ping;
using schema::Pong;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(IntakeTest, TheNextBatchesAreTakenWhileACommitLasts) {
  open_and_begin_a_slow_commit();
  say(batch(3, 1));
  say(Ping{7});
  EXPECT_THAT(intake_.advance(now_), IsEmpty());
  commit_may_end_.set_value();
  const auto all = answers();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(std::get<Ack>(all[0]).durable_through, 2U);
  EXPECT_EQ(std::get<Ack>(all[1]).durable_through, 3U);
  EXPECT_EQ(std::get<Pong>(all[2]).token, 7U);
  EXPECT_EQ(store_.commits, 2);
}

TEST_F(IntakeTest, WhatFollowsAFailedCommitIsRefusedWithIt) {
  open_and_begin_a_slow_commit();
  say(batch(3, 1));
  store_.fault = StoreFault::kFull;
  commit_may_end_.set_value();
  const auto all = answers();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(std::get<Nack>(all[0]).code, NackCode::kStorage);
  EXPECT_EQ(std::get<Nack>(all[1]).code, NackCode::kStorage);
  EXPECT_EQ(std::get<Nack>(all[1]).first_seq, 3U);
  store_.fault.reset();
  say(batch(1, 3));
  EXPECT_EQ(only<Ack>().durable_through, 3U);
}

TEST_F(IntakeTest, WhatFollowsAConflictIsRefusedWithIt) {
  open_and_begin_a_slow_commit();
  say(batch(3, 1));
  store_.quarantined = true;
  commit_may_end_.set_value();
  const auto all = answers();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(std::get<Nack>(all[0]).code, NackCode::kQuarantined);
  EXPECT_EQ(std::get<Nack>(all[1]).code, NackCode::kQuarantined);
  EXPECT_THAT(store_.stored, IsEmpty());
}

TEST_F(IntakeTest, BytesUnderWayCountAgainstTheCredits) {
  open_and_begin_a_slow_commit();
  say(batch(3, 40));
  commit_may_end_.set_value();
  const auto all = answers();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(std::get<Nack>(all[1]).code, NackCode::kNoCredit);
  say(batch(3, 40));  // nothing else is unanswered now
  EXPECT_EQ(only<Ack>().durable_through, 42U);
}

TEST_F(IntakeTest, SaysWhenItHasAnswersAndWhenItIsFull) {
  std::promise<void> told;
  intake_.when_committed([&] { told.set_value(); });
  open_and_begin_a_slow_commit();
  for (std::uint64_t i = 0; !intake_.full(); ++i) {
    ASSERT_LT(i, 10'000u);
    say(Ping{i});
  }
  commit_may_end_.set_value();
  told.get_future().wait();
  EXPECT_THAT(intake_.advance(now_), testing::Not(IsEmpty()));
  EXPECT_FALSE(intake_.full());
}

}  // namespace
}  // namespace strop::collector::test
