// The queue between relaying and capture: bounded, in order, and loud about what it drops.
#include "agent/tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "agent/capture.h"

namespace strop::agent {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr milliseconds kPatience{20'000};

TapItem message(const std::string& body, double t_ms = 0) {
  TapItem item;
  item.body = body;
  item.t_ms = t_ms;
  return item;
}

// What can be taken at once: bodies, and "lost@T" for the mark of a loss.
std::vector<std::string> drain(Tap& tap) {
  std::vector<std::string> out;
  while (const auto item = tap.take(milliseconds(0)))
    out.push_back(item->kind == TapItem::Kind::kLost
                      ? "lost@" + std::to_string(static_cast<int>(item->t_ms))
                      : item->body);
  return out;
}

TEST(TapTest, GivesWhatItWasGivenInOrder) {
  Tap tap;
  EXPECT_TRUE(tap.push(message("a")));
  EXPECT_TRUE(tap.push(message("b")));
  EXPECT_THAT(drain(tap), ElementsAre("a", "b"));
  EXPECT_EQ(tap.counts().pushed, 2u);
  EXPECT_EQ(tap.counts().dropped, 0u);
}

TEST(TapTest, KeepsDirectionTimeAndNote) {
  Tap tap;
  TapItem item = message("a", 7);
  item.kind = TapItem::Kind::kProvided;
  item.direction = Direction::kServerToClient;
  item.request_id = "\"x\"";
  item.note.model = "m";
  tap.push(std::move(item));
  const auto taken = tap.take(milliseconds(0));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->kind, TapItem::Kind::kProvided);
  EXPECT_EQ(taken->direction, Direction::kServerToClient);
  EXPECT_EQ(taken->t_ms, 7);
  EXPECT_EQ(taken->request_id, "\"x\"");
  EXPECT_EQ(taken->note.model, "m");
}

TEST(TapTest, DropsWhatIsOneTooManyAndMarksThePlace) {
  Tap tap({.items = 2});
  tap.push(message("a", 1));
  tap.push(message("b", 2));
  EXPECT_FALSE(tap.push(message("c", 3)));
  EXPECT_FALSE(tap.push(message("d", 4)));
  EXPECT_EQ(tap.take(milliseconds(0))->body, "a");
  EXPECT_TRUE(tap.push(message("e", 5)));
  EXPECT_THAT(drain(tap), ElementsAre("b", "lost@3", "e"));  // one mark, of the first loss
  EXPECT_EQ(tap.counts().pushed, 3u);
  EXPECT_EQ(tap.counts().dropped, 2u);
}

// With a time to gather that no test would wait for.
TEST(TapTest, WhatGathersIsTakenWhenHalfFullAndWhenClosed) {
  const TapLimits limits{.items = 4, .gather = std::chrono::hours(1)};
  Tap half_full(limits);
  auto taken =
      std::async(std::launch::async, [&half_full] { return half_full.take(kPatience)->body; });
  for (const char* body : {"a", "b"}) {
    half_full.push(message(body));
    half_full.wake();
  }
  EXPECT_EQ(taken.get(), "a");

  Tap closed(limits);
  taken = std::async(std::launch::async, [&closed] { return closed.take(kPatience)->body; });
  closed.push(message("a"));
  closed.wake();
  closed.close();
  EXPECT_EQ(taken.get(), "a");
}

TEST(TapTest, ALossIsToldAlsoWhenNothingFollows) {
  Tap tap({.items = 1});
  tap.push(message("a", 1));
  tap.push(message("b", 2));
  EXPECT_THAT(drain(tap), ElementsAre("a", "lost@2"));
}

TEST(TapTest, DropsWhatIsOverTheBytes) {
  Tap tap({.bytes = 3 * sizeof(TapItem)});
  EXPECT_TRUE(tap.push(message("a")));
  EXPECT_FALSE(tap.push(message(std::string(3 * sizeof(TapItem), 'x'))));
  EXPECT_TRUE(tap.push(message("b")));
}

TEST(TapTest, BytesThatWereTakenGiveRoomAgain) {
  Tap tap({.items = 3, .bytes = 2000});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(tap.push(message(std::string(600, 'x')))) << i;
    ASSERT_TRUE(tap.take(milliseconds(0))) << i;
  }
}

TEST(TapTest, AnEmptyOneTakesAMessageOfAnySize) {
  Tap tap({.items = 1, .bytes = 10});
  EXPECT_TRUE(tap.push(message(std::string(1000, 'x'))));
}

TEST(TapTest, WhatWasNeverToBePushedIsALossInItsPlace) {
  Tap tap;
  tap.push(message("a", 1));
  tap.lose(2);
  tap.push(message("b", 3));
  EXPECT_THAT(drain(tap), ElementsAre("a", "lost@2", "b"));
  EXPECT_EQ(tap.counts().dropped, 0u);
}

TEST(TapTest, ClosedItGivesWhatItHasAndTakesNoMore) {
  Tap tap;
  tap.push(message("a", 1));
  tap.close();
  EXPECT_FALSE(tap.finished());
  EXPECT_FALSE(tap.push(message("b", 2)));
  EXPECT_EQ(tap.counts().dropped, 1u);
  EXPECT_THAT(drain(tap), ElementsAre("a", "lost@2"));
  EXPECT_TRUE(tap.finished());
}

TEST(TapTest, WakesItsReader) {
  Tap tap;
  std::optional<TapItem> taken;
  std::thread reader([&] { taken = tap.take(kPatience); });
  tap.push(message("a"));
  tap.wake();
  reader.join();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->body, "a");
}

TEST(TapTest, ClosingWakesItsReader) {
  Tap tap;
  std::thread reader([&] { EXPECT_FALSE(tap.take(kPatience)); });
  tap.close();
  reader.join();
}

TEST(TapTest, APatientOneWaitsForRoomInsteadOfDropping) {
  Tap tap({.items = 2, .patient = true});
  constexpr int kMessages = 1000;
  std::thread writer([&] {
    for (int i = 0; i < kMessages; ++i) {
      EXPECT_TRUE(tap.push(message(std::to_string(i))));
      tap.wake();
    }
    tap.close();
  });
  int next = 0;
  while (!tap.finished()) {
    if (const auto item = tap.take(kPatience)) {
      EXPECT_EQ(item->body, std::to_string(next++));
    }
  }
  writer.join();
  EXPECT_EQ(next, kMessages);
  EXPECT_EQ(tap.counts().dropped, 0u);
}

// A sink that keeps nothing but what it was told.
struct Told : EventSink {
  void take(const schema::Event& event) override { types.push_back(event); }
  void sync() override { ++syncs; }
  void observe(Direction, std::string_view body) override { bodies.emplace_back(body); }
  std::vector<schema::Event> types;
  std::vector<std::string> bodies;
  int syncs = 0;
};

std::string did_open(const std::string& text) {
  return R"({"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a","languageId":"c","version":1,"text":")" +
         text + R"("}}})";
}

TEST(CaptureTest, AfterADropTheDocumentsAreOutOfStep) {
  Tap tap({.items = 1});
  Clock clock(Clock::Kind::kClient);
  tap.push(message(did_open("int a;"), 1));
  EXPECT_FALSE(tap.push(message("{}", 2)));
  tap.close();
  Told told;
  Capture capture({}, tap, clock, told);
  ASSERT_TRUE(capture.wait(kPatience));
  EXPECT_EQ(capture.counts().messages, 1u);
  EXPECT_EQ(capture.counts().losses, 1u);
  EXPECT_EQ(capture.counts().tracker.drops, 1u);
  EXPECT_EQ(capture.counts().tracker.unsynced_documents, 1u);
  EXPECT_THAT(told.bodies, ElementsAre(did_open("int a;")));
  EXPECT_GE(told.syncs, 1);
}

// A sink of which every use fails.
struct Broken : EventSink {
  void take(const schema::Event&) override { throw std::runtime_error("no"); }
  void sync() override { throw std::runtime_error("no"); }
  void observe(Direction, std::string_view) override { throw std::runtime_error("no"); }
};

TEST(CaptureTest, AFaultIsCountedAsALossAndEndsNothing) {
  Tap tap;
  Clock clock(Clock::Kind::kClient);
  tap.push(message(did_open("a"), 1));
  tap.push(message(did_open("b"), 2));
  tap.close();
  Broken broken;
  Capture capture({}, tap, clock, broken);
  ASSERT_TRUE(capture.wait(kPatience));
  EXPECT_EQ(capture.counts().messages, 2u);
  EXPECT_EQ(capture.counts().faults, 3u);  // each message, and the last sync
  EXPECT_EQ(capture.counts().tracker.drops, 2u);
}

}  // namespace
}  // namespace strop::agent
