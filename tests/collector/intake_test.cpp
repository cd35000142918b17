// What the collector says to what agents send.
#include "collector/intake_fixture.h"

namespace strop::collector::test {
namespace {

using schema::Ack;
using schema::Bye;
using schema::Ping;
using schema::Pong;
using schema::RejectCode;
using schema::Welcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(IntakeTest, HelloIsWelcomedWithWhatIsDurable) {
  hello();
  const Welcome welcome = only<Welcome>();
  EXPECT_EQ(welcome.version, 1);
  EXPECT_EQ(welcome.epoch, kEpoch);
  EXPECT_EQ(welcome.durable_through, 0U);
  EXPECT_EQ(welcome.credits, 4000U);
  EXPECT_EQ(welcome.max_batch, schema::kMaxMessageBytes);
  EXPECT_EQ(welcome.heartbeat_ms, 10000U);
}

TEST_F(IntakeTest, ABatchIsAckedAfterTheCommitAndNotBefore) {
  hello();
  answers();
  say(batch(1, 3));
  EXPECT_EQ(store_.commits, 0);
  EXPECT_EQ(only<Ack>(), (Ack{kEpoch, 3, 4000, {}}));
  EXPECT_EQ(store_.commits, 1);
  EXPECT_THAT(store_.stored, SizeIs(3));
}

TEST_F(IntakeTest, ManyBatchesShareOneCommitAndAreAnsweredInOrder) {
  hello();
  answers();
  say(batch(1, 2));
  say(Ping{9});
  say(batch(3, 2));
  EXPECT_THAT(answers(), ElementsAre(Frame(Ack{kEpoch, 2, 4000, {}}), Frame(Pong{9}),
                                     Frame(Ack{kEpoch, 4, 4000, {}})));
  EXPECT_EQ(store_.commits, 1);
}

TEST_F(IntakeTest, WithoutHelloNothingIsTaken) {
  say(batch(1, 1));
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  say(Ping{1});
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  hello();
  answers();
  Batch other = batch(1, 1);
  other.epoch = id_of(77);
  say(other);
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  EXPECT_THAT(store_.stored, IsEmpty());
}

TEST_F(IntakeTest, AHoleIsRefusedUntilItIsFilled) {
  hello();
  answers();
  say(batch(3, 1));
  const Nack nack = only<Nack>();
  EXPECT_EQ(nack.code, NackCode::kOutOfOrder);
  EXPECT_FALSE(nack.permanent);
  EXPECT_EQ(nack.first_seq, 3U);
  say(batch(1, 2));
  say(batch(3, 1));
  EXPECT_THAT(answers(), SizeIs(2));
  EXPECT_THAT(store_.stored, SizeIs(3));
}

TEST_F(IntakeTest, AFullDiskAsksToRetryAndAcksNothing) {
  hello();
  answers();
  store_.fault = StoreFault::kFull;
  say(batch(1, 1));
  say(batch(2, 1));
  for (const Frame& frame : answers()) {
    const Nack& nack = std::get<Nack>(frame);
    EXPECT_EQ(nack.code, NackCode::kStorage);
    EXPECT_FALSE(nack.permanent);
    EXPECT_EQ(nack.retry_after_ms, 1234U);
  }
  EXPECT_FALSE(intake_.storing());
  say(batch(3, 1));  // sent before the refusal was read
  const Nack after = only<Nack>();
  EXPECT_EQ(after.code, NackCode::kOutOfOrder);
  EXPECT_EQ(after.retry_after_ms, 1234U);
  store_.fault.reset();
  say(batch(1, 3));
  EXPECT_EQ(only<Ack>().durable_through, 3U);
  EXPECT_TRUE(intake_.storing());
}

TEST_F(IntakeTest, AHelloWhileTheDiskIsFullIsToldToRetry) {
  store_.fault = StoreFault::kFull;
  hello();
  EXPECT_EQ(code(), NackCode::kStorage);
  store_.fault.reset();
  intake_.probe();
  EXPECT_TRUE(intake_.storing());
  hello();
  only<Welcome>();
}

TEST_F(IntakeTest, AProbeFindsAFullDiskWithoutAnyEvent) {
  store_.fault = StoreFault::kFull;
  intake_.probe();
  EXPECT_FALSE(intake_.storing());
}

TEST_F(IntakeTest, ADiskAlmostFullIsNotTakenForOneWithRoom) {
  hello();
  answers();
  store_.fault = StoreFault::kFull;
  say(batch(1, 5));
  EXPECT_EQ(code(), NackCode::kStorage);
  store_.fault.reset();
  store_.room = 5 * event().size() - 1;  // for less than what failed
  intake_.probe();
  EXPECT_FALSE(intake_.storing());
  store_.room = 1 << 20;
  intake_.probe();
  EXPECT_TRUE(intake_.storing());
  store_.room = 0;
  intake_.probe();  // once well, a few bytes tell
  EXPECT_TRUE(intake_.storing());
}

TEST_F(IntakeTest, AStorePastUseIsNotPapered) {
  hello();
  answers();
  store_.fault = StoreFault::kCorrupt;
  say(batch(1, 1));
  EXPECT_THROW(intake_.flush(now_), StoreError);
  EXPECT_THROW(intake_.probe(), StoreError);
}

TEST_F(IntakeTest, BadEventsAreRejectedAndTheStreamGoesOn) {
  hello();
  answers();
  say(Batch{kEpoch, 1, {{1, event()}, {1, "oops"}, {1, "{}"}, {1, event()}}});
  const Ack ack = only<Ack>();
  EXPECT_EQ(ack.durable_through, 4U);
  EXPECT_THAT(ack.rejected, ElementsAre(schema::Rejected{2, RejectCode::kBadJson},
                                        schema::Rejected{3, RejectCode::kBadEvent}));
  EXPECT_THAT(store_.stored, SizeIs(4));  // two of them dead letters
  EXPECT_EQ(metrics_.rejected[static_cast<int>(RejectCode::kBadJson)], 1U);
}

TEST_F(IntakeTest, WhatIsPastItsTimeGoesOnceAnHourALittleEachSecond) {
  constexpr std::int64_t kHour = 3'600'000;
  constexpr std::int64_t kStart = 1'000 * kHour;
  IntakeLimits limits;
  limits.retention_ms = 10 * kHour;
  Intake keeping(
      store_, [](const auto& user, const auto&) { return user; },
      [](nlohmann::json&) { return std::size_t{0}; }, metrics_, limits);
  std::int64_t now = kStart;
  const auto live = [&](std::int64_t until) {
    for (; now < until; now += 60'000) keeping.retain(now);
  };
  live(kStart + kHour - 1);
  EXPECT_TRUE(store_.expiries.empty());
  live(kStart + 2 * kHour - 1);
  ASSERT_EQ(store_.expiries.size(), 3U);  // until all is gone
  EXPECT_EQ(store_.expiries[0].first, kStart - 9 * kHour);
  EXPECT_EQ(store_.expiries[1].second, 1);
  EXPECT_EQ(metrics_.events_expired, 3U);
  // Whoever sets the clock wrong for a while loses nothing by it.
  now += 24 * 365 * kHour;
  live(now + kHour - 60'000);
  EXPECT_EQ(store_.expiries.size(), 3U);
}

TEST_F(IntakeTest, AGapRecordMovesTheStreamOverItsNumbers) {
  hello();
  answers();
  say(Batch{
      kEpoch,
      1,
      {{4, R"({"v":1,"type":"gap","t_ms":1,"source":"edit","seq":[1,4],"reason":"forgotten"})"},
       {1, event()}}});
  EXPECT_EQ(only<Ack>().durable_through, 5U);
}

TEST_F(IntakeTest, BytesBeyondTheCreditsAreRefused) {
  hello();
  answers();
  Batch large = batch(1, 1);
  large.records[0].payload = event(std::string(3600, 's'));
  say(large);
  say(batch(2, 8));
  const auto both = answers();
  EXPECT_EQ(std::get<Ack>(both.at(0)).durable_through, 1U);
  EXPECT_EQ(std::get<Nack>(both.at(1)).code, NackCode::kNoCredit);
  say(batch(2, 8));  // nothing is unanswered now
  EXPECT_EQ(only<Ack>().durable_through, 9U);
}

TEST_F(IntakeTest, OneBatchAboveTheCreditsIsTakenWhenNothingIsUnanswered) {
  hello();
  answers();
  Batch large = batch(1, 1);
  large.records[0].payload = event(std::string(9000, 's'));
  say(large);
  EXPECT_EQ(only<Ack>().durable_through, 1U);
}

TEST_F(IntakeTest, CreditsAreSharedAmongThoseWhoAreThere) {
  for (int peer = 1; peer <= 4; ++peer)
    say(Hello{1, 1, id_of(peer), id_of(peer), 1, 1, ""}, "p" + std::to_string(peer));
  EXPECT_EQ(std::get<Welcome>(answers().back()).credits, 2000U);
}

TEST_F(IntakeTest, NoVersionInCommonIsAClearRefusal) {
  say(Hello{7, 9, kInstall, kEpoch, 1, 1, "strop-agent 9"});
  const Nack nack = only<Nack>();
  EXPECT_EQ(nack.code, NackCode::kVersion);
  EXPECT_TRUE(nack.permanent);
  EXPECT_THAT(nack.reason, HasSubstr("1 to 2, the agent 7 to 9"));
}

TEST_F(IntakeTest, AnAgentOfManyVersionsIsSpokenToInOurs) {
  say(Hello{1, 9, kInstall, kEpoch, 1, 1, "strop-agent 9"});
  EXPECT_EQ(only<Welcome>().version, schema::kWireVersionMax);
}

TEST_F(IntakeTest, AKeyThatIsNotAllowedGetsNowhere) {
  hello("p1", {"", false});
  EXPECT_EQ(code(), NackCode::kUnauthorised);
  hello();
  answers();
  say(batch(1, 1), "p1", {"", false});  // revoked while connected
  const Nack nack = only<Nack>();
  EXPECT_EQ(nack.code, NackCode::kUnauthorised);
  EXPECT_TRUE(nack.permanent);
  EXPECT_THAT(store_.stored, IsEmpty());
}

TEST_F(IntakeTest, AKeyUnderAnotherNameHasToSayHelloAgain) {
  hello();
  answers();
  say(batch(1, 1), "p1", {"bob", true});
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  hello("p1", {"bob", true});
  EXPECT_EQ(code(), NackCode::kWrongInstall);
}

// Two may choose the same routing id, one after the other.
TEST_F(IntakeTest, WhoComesUnderAnothersRoutingIdHasNoneOfItsStreams) {
  hello();
  answers();
  const Caller bob{"bob", true, "key of bob"};
  say(Hello{1, 1, id_of(7), id_of(8), 1, 1, "test"}, "p1", bob);
  only<Welcome>();
  say(batch(1, 1), "p1", bob);  // of anna's epoch
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  EXPECT_THAT(store_.stored, IsEmpty());
  EXPECT_EQ(metrics_.peers, 1U);
}

TEST_F(IntakeTest, AQuarantinedInstallIsShutOut) {
  hello();
  answers();
  store_.quarantined = true;
  say(batch(1, 1));
  const Nack nack = only<Nack>();
  EXPECT_EQ(nack.code, NackCode::kQuarantined);
  EXPECT_TRUE(nack.permanent);
  EXPECT_THAT(nack.reason, HasSubstr("two machines"));
  say(batch(1, 1));
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  hello();
  EXPECT_EQ(code(), NackCode::kQuarantined);
}

TEST_F(IntakeTest, DamageIsToldApartFromNonsense) {
  hello();
  answers();
  std::string bytes = schema::encode(batch(1, 1));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  intake_.on_message("p1", {"anna", true}, bytes, now_);
  const Nack damaged = only<Nack>();
  EXPECT_EQ(damaged.code, NackCode::kChecksum);
  EXPECT_FALSE(damaged.permanent);
  EXPECT_EQ(damaged.first_seq, 1U);
  EXPECT_EQ(damaged.epoch, kEpoch);
  for (const std::string& nonsense :
       {std::string(), std::string("GET / HTTP/1.1"), std::string(50, '\1')}) {
    intake_.on_message("p1", {"anna", true}, nonsense, now_);
    EXPECT_TRUE(only<Nack>().permanent);
  }
  intake_.on_misfit("p1");
  EXPECT_EQ(code(), NackCode::kBadFrame);
}

TEST_F(IntakeTest, FramesOfTheOtherDirectionAreRefused) {
  say(Welcome{});
  EXPECT_EQ(code(), NackCode::kBadFrame);
  say(Ack{});
  EXPECT_EQ(code(), NackCode::kBadFrame);
}

TEST_F(IntakeTest, NumbersBeyondAllReasonAreRefused) {
  say(Hello{1, 1, kInstall, kEpoch, std::uint64_t{1} << 63, 1, ""});
  EXPECT_EQ(code(), NackCode::kBadFrame);
  hello();
  answers();
  Batch far = batch(1, 1);
  far.first_seq = std::uint64_t{1} << 63;
  say(far);
  EXPECT_EQ(code(), NackCode::kBadFrame);
}

TEST_F(IntakeTest, ByeAndSilenceEndAConnection) {
  hello("p1");
  hello("p2");
  answers();
  EXPECT_EQ(metrics_.peers, 2U);
  say(Bye{}, "p1");
  EXPECT_EQ(metrics_.peers, 1U);
  now_ += 29000;
  intake_.expire(now_);
  EXPECT_EQ(metrics_.peers, 1U);
  now_ += 2000;
  intake_.expire(now_);
  EXPECT_EQ(metrics_.peers, 0U);
  say(batch(1, 1), "p2");
  EXPECT_EQ(code(), NackCode::kHelloFirst);
  EXPECT_EQ(store_.clearings, 2);  // what waits in the store's log is seen to each time
}

TEST_F(IntakeTest, AReconnectedAgentGoesOnWhereTheStreamStands) {
  hello("p1");
  answers();
  say(batch(1, 2), "p1");
  answers();
  hello("p2");
  EXPECT_EQ(only<Welcome>().durable_through, 2U);
  say(batch(3, 1), "p2");
  EXPECT_EQ(only<Ack>().durable_through, 3U);
}

TEST_F(IntakeTest, AHelloAmidBatchesOfTheSameStreamLosesNone) {
  hello("p1");
  answers();
  say(batch(1, 2), "p1");
  hello("p2");  // before the commit
  say(batch(3, 1), "p1");
  const auto all = answers();
  EXPECT_EQ(std::get<Ack>(all.at(0)).durable_through, 2U);
  EXPECT_EQ(std::get<Welcome>(all.at(1)).durable_through, 0U);  // what it could promise then
  EXPECT_EQ(std::get<Ack>(all.at(2)).durable_through, 3U);
}

TEST_F(IntakeTest, WhatTheAgentNoLongerHoldsIsCountedAsLost) {
  say(Hello{1, 1, kInstall, kEpoch, 8, 8, ""});
  EXPECT_EQ(only<Welcome>().durable_through, 7U);
  EXPECT_EQ(metrics_.sequence_lost, 7U);
}

TEST_F(IntakeTest, ConnectionsAndStreamsAreBounded) {
  for (int epoch = 1; epoch <= 4; ++epoch) say(Hello{1, 1, kInstall, id_of(epoch), 1, 1, ""});
  const auto all = answers();
  EXPECT_TRUE(std::holds_alternative<Welcome>(all.at(2)));
  EXPECT_EQ(std::get<Nack>(all.at(3)).code, NackCode::kNoCredit);
  for (int peer = 2; peer <= 5; ++peer) hello("p" + std::to_string(peer));
  const auto peers = answers();
  EXPECT_TRUE(std::holds_alternative<Welcome>(peers.at(2)));
  EXPECT_EQ(std::get<Nack>(peers.at(3)).code, NackCode::kNoCredit);
}

TEST_F(IntakeTest, AtTheEndAllAreToldBye) {
  hello("p1");
  hello("p2");
  answers();
  const auto farewell = intake_.farewell();
  ASSERT_THAT(farewell, SizeIs(2));
  EXPECT_EQ(farewell[0].peer, "p1");
  EXPECT_EQ(farewell[0].frame, Frame(Bye{}));
}

}  // namespace
}  // namespace strop::collector::test
