// The relay when a side does not read: nobody else waits, memory stays bounded, nothing is lost;
// and frames of the agent's own between the server's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "agent/relay.h"
#include "agent/relay_ends.h"
#include "lsp/framing.h"

namespace strop::agent {
namespace {

using lsp::frame;

// Two pipes of 64 KiB, a read of as much and a frame; far below what would show a queue.
constexpr std::size_t kBound = 512u << 10;

struct Forwarding : MessageHandler {
  Verdict on_message(Direction, std::string_view) override { return {}; }
  Passage on_start(Direction, std::string_view, std::size_t) override { return passage; }
  void on_part(Direction, std::string_view, bool) override {}
  void on_untapped(Direction, std::string_view) override {}
  void on_forwarded(Direction) override {}

  Passage passage = Passage::kWhole;
};

class RelayPressure : public testing::TestWithParam<bool> {
 protected:
  RelayPressure() {
    Stage stage;
    editor_ = std::move(stage.editor);
    server_ = std::move(stage.server);
    relay_.emplace(std::move(stage.relay), GetParam() ? &forwarding_ : nullptr);
  }

  Forwarding forwarding_;
  End editor_;
  End server_;
  std::optional<Relay> relay_;
};

INSTANTIATE_TEST_SUITE_P(Handler, RelayPressure, testing::Bool(),
                         [](const auto& param) { return param.param ? "Framed" : "Bytes"; });

TEST_P(RelayPressure, AnEditorThatDoesNotReadDoesNotKeepTheServerFromHearing) {
  relay_->start();
  const std::string waiting = server_.write_until_full(frame("\"server\""));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(editor_.write(frame("\"editor\"")));
    ASSERT_EQ(server_.read(frame("\"editor\"").size()), frame("\"editor\""));
  }
  server_.out.close();
  EXPECT_TRUE(editor_.read_all() == waiting);
}

TEST_P(RelayPressure, AServerThatDoesNotReadDoesNotKeepTheEditorFromHearing) {
  relay_->start();
  const std::string waiting = editor_.write_until_full(frame("\"editor\""));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(server_.write(frame("\"server\"")));
    ASSERT_EQ(editor_.read(frame("\"server\"").size()), frame("\"server\""));
  }
  editor_.out.close();
  EXPECT_TRUE(server_.read_all() == waiting);
}

TEST_P(RelayPressure, WhatWaitsInTheRelayIsBounded) {
  relay_->start();
  EXPECT_LT(editor_.write_until_full(frame("\"editor\"")).size(), kBound);
  EXPECT_LT(server_.write_until_full(frame("\"server\"")).size(), kBound);
}

TEST_P(RelayPressure, StoppingDoesNotWaitForWhoDoesNotRead) {
  relay_->start();
  editor_.write_until_full(frame("1"));
  server_.write_until_full(frame("2"));
  EXPECT_FALSE(relay_->wait_for_output(std::chrono::milliseconds(0)));
  relay_->stop();
  EXPECT_TRUE(relay_->wait_for_output(std::chrono::milliseconds(0)));
}

TEST_P(RelayPressure, WhatAServerSaidBeforeItsEndIsHandedOverHoweverLateTheEditorReads) {
  relay_->start();
  const std::string said = server_.write_until_full(frame("\"server\""));
  server_.out.close();
  int asked = 0;
  std::string arrived;
  const bool all = relay_->hand_over(std::chrono::milliseconds(5), [&] {
    if (++asked == 20) arrived = editor_.read(said.size());
    return asked < 10'000;
  });
  EXPECT_TRUE(all);
  EXPECT_GE(asked, 20);
  EXPECT_TRUE(arrived == said);
}

TEST_P(RelayPressure, HandingOverEndsWhenItMayWaitNoLonger) {
  relay_->start();
  server_.write_until_full(frame("\"server\""));
  server_.out.close();
  int asked = 0;
  EXPECT_FALSE(relay_->hand_over(std::chrono::milliseconds(1), [&asked] { return ++asked < 5; }));
  EXPECT_EQ(asked, 5);
}

TEST_P(RelayPressure, WhoHoldsTheOutputOfAServerThatEndedIsNotWaitedFor) {
  relay_->start();
  ASSERT_TRUE(server_.write(frame("1")));
  ASSERT_EQ(editor_.read(frame("1").size()), frame("1"));
  EXPECT_FALSE(relay_->hand_over(std::chrono::milliseconds(1), [] { return true; }));
}

class Injection : public RelayPressure {};
INSTANTIATE_TEST_SUITE_P(Handler, Injection, testing::Values(true),
                         [](const auto&) { return "Framed"; });

TEST_P(Injection, GoesToTheEditorAtOnce) {
  relay_->start();
  ASSERT_TRUE(relay_->inject(frame("\"own\"")));
  EXPECT_EQ(editor_.read(frame("\"own\"").size()), frame("\"own\""));
}

TEST_P(Injection, DoesNotWaitForAMessageThatHasOnlyBegun) {
  relay_->start();
  const std::string message = frame("\"server\"");
  ASSERT_TRUE(server_.write(message.substr(0, 25)));
  ASSERT_TRUE(relay_->inject(frame("\"own\"")));
  EXPECT_EQ(editor_.read(frame("\"own\"").size()), frame("\"own\""));
  ASSERT_TRUE(server_.write(message.substr(25)));
  EXPECT_EQ(editor_.read(message.size()), message);
}

TEST_P(Injection, DoesNotGetIntoALargeMessage) {
  relay_->start();
  const std::string large = frame(std::string((4u << 20) + 1, 'x'));
  ASSERT_TRUE(server_.write(large.substr(0, 1000)));
  ASSERT_EQ(editor_.read(1000), large.substr(0, 1000));
  ASSERT_TRUE(relay_->inject(frame("\"own\"")));
  std::thread writer([&] { EXPECT_TRUE(server_.write(large.substr(1000))); });
  const std::string arrived = editor_.read(large.size() - 1000 + frame("\"own\"").size());
  writer.join();
  EXPECT_TRUE(arrived == large.substr(1000) + frame("\"own\""));
}

TEST_P(Injection, DoesNotGetIntoAMessageThatGoesOnAsItComes) {
  forwarding_.passage = Passage::kAsIs;
  relay_->start();
  const std::string large = frame(std::string(Relay::kLarge, 'x'));
  ASSERT_TRUE(server_.write(large.substr(0, 1000)));
  ASSERT_EQ(editor_.read(1000), large.substr(0, 1000));
  ASSERT_TRUE(relay_->inject(frame("\"own\"")));
  ASSERT_TRUE(server_.write(large.substr(1000)));
  EXPECT_EQ(editor_.read(large.size() - 1000 + frame("\"own\"").size()),
            large.substr(1000) + frame("\"own\""));
}

// Each interrupts a thread that reads, or is just about to.
TEST_P(Injection, OneByOneWhileTheServerSpeaksAllArrive) {
  relay_->start();
  constexpr int kEach = 3'000;
  const std::string said = frame("1");
  const std::string own = frame("[]");
  std::thread server([&] {
    for (int i = 0; i < kEach; ++i) ASSERT_TRUE(server_.write(said));
  });
  std::thread agent([&] {
    for (int i = 0; i < kEach; ++i) ASSERT_TRUE(relay_->inject(own));
  });
  const std::string arrived = editor_.read(kEach * (said.size() + own.size()));
  server.join();
  agent.join();
  lsp::FrameReader reader;
  reader.feed(arrived);
  while (reader.next()) {
  }
  EXPECT_EQ(reader.counts().frames, 2u * kEach);
  EXPECT_EQ(reader.counts().junk_bytes, 0u);
}

TEST_P(Injection, IsBoundedInNumberAndDropsCounted) {
  for (std::size_t i = 0; i < Relay::kMaxInjections; ++i) ASSERT_TRUE(relay_->inject("x"));
  EXPECT_FALSE(relay_->inject("y"));
  relay_->start();
  EXPECT_EQ(editor_.read(Relay::kMaxInjections), std::string(Relay::kMaxInjections, 'x'));
  EXPECT_TRUE(relay_->inject("z"));  // there is room again
  EXPECT_EQ(editor_.read(1), "z");
  relay_->stop();
  EXPECT_EQ(relay_->counts().injected, Relay::kMaxInjections + 1);
  EXPECT_EQ(relay_->counts().injections_dropped, 1u);
}

TEST_P(Injection, IsBoundedInBytes) {
  EXPECT_TRUE(relay_->inject(std::string(Relay::kMaxInjectedBytes, 'x')));
  EXPECT_FALSE(relay_->inject("y"));
}

TEST_P(Injection, WhatWaitsWhenTheServerEndsStillGoes) {
  ASSERT_TRUE(relay_->inject(frame("\"own\"")));
  server_.out.close();
  relay_->start();
  EXPECT_EQ(editor_.read_all(), frame("\"own\""));
}

TEST_P(Injection, AfterTheEndThereIsNone) {
  relay_->start();
  server_.out.close();
  ASSERT_TRUE(relay_->wait_for_output(kPatience));
  EXPECT_FALSE(relay_->inject(frame("1")));
  relay_->stop();
  EXPECT_EQ(relay_->counts().injections_dropped, 1u);
}

}  // namespace
}  // namespace strop::agent
