// The uplink against a collector with faults: refusals, a restored backup, silence, a second agent.
#include "agent/uplink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <zmq.hpp>

#include "agent/ship.h"
#include "agent/spool.h"
#include "agent/spool_files.h"
#include "agent/spool_store.h"
#include "schema/wire.h"
#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};

// A ROUTER that says what a test has it say.
class FakeCollector {
 public:
  FakeCollector() : router_(context_, zmq::socket_type::router) {
    router_.set(zmq::sockopt::linger, 0);
    router_.bind("tcp://127.0.0.1:*");
  }
  std::string endpoint() const { return router_.get(zmq::sockopt::last_endpoint); }

  // The next frame of type T; others go by.
  template <class T>
  T expect() {
    const auto deadline = Steady::now() + kPatience;
    while (Steady::now() < deadline) {
      std::vector<zmq::pollitem_t> items{{router_.handle(), 0, ZMQ_POLLIN, 0}};
      zmq::poll(items, std::chrono::milliseconds(100));
      zmq::message_t peer;
      zmq::message_t body;
      if (!router_.recv(peer, zmq::recv_flags::dontwait) || !router_.recv(body)) continue;
      peer_ = peer.to_string();
      const auto frame = schema::decode(body.to_string_view());
      if (!frame) throw std::runtime_error(frame.error().message);
      if (const auto* wanted = std::get_if<T>(&*frame)) return *wanted;
    }
    throw std::runtime_error("the agent did not say what was expected");
  }

  void say(const schema::Frame& frame) {
    router_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
    router_.send(zmq::buffer(schema::encode(frame)));
  }
  schema::Hello welcome(std::uint64_t durable_through, std::uint32_t heartbeat_ms = 10'000) {
    const auto hello = expect<schema::Hello>();
    say(schema::Welcome{1, hello.epoch, durable_through, 4 << 20, 1 << 20, heartbeat_ms});
    return hello;
  }
  void ack(const schema::Batch& batch, std::vector<schema::Rejected> rejected = {}) {
    say(schema::Ack{batch.epoch, schema::last_seq(batch), 4 << 20, std::move(rejected)});
  }

 private:
  zmq::context_t context_;
  zmq::socket_t router_;
  std::string peer_;
};

std::vector<std::string> payloads(const schema::Batch& batch) {
  std::vector<std::string> out;
  for (const schema::Record& record : batch.records) out.push_back(record.payload);
  return out;
}

class UplinkTest : public testing::Test {
 protected:
  UplinkTest() : spool_(SpoolOptions{.state = folder_.path()}) {
    for (const char* text : {"one", "two", "three"}) spool_.append(text);
  }

  UplinkOptions options() {
    UplinkOptions options;
    options.state = folder_.path();
    options.endpoints = {collector_.endpoint()};
    options.reconnect_min_ms = options.reconnect_max_ms = 20;
    options.lock_retry_ms = options.look_ms = 10;
    options.look_max_ms = 50;
    return options;
  }

  Ledger await_ledger(const std::function<bool(const Ledger&)>& good) {
    const auto deadline = Steady::now() + kPatience;
    Ledger last;
    while (Steady::now() < deadline) {
      last = store_.ledger().value();
      EXPECT_TRUE(last.balanced());
      if (good(last)) return last;
    }
    ADD_FAILURE() << ledger_to_json(last);
    return last;
  }
  static UplinkStatus await(Uplink& uplink, const std::function<bool(const UplinkStatus&)>& good) {
    const auto deadline = Steady::now() + kPatience;
    while (Steady::now() < deadline)
      if (const UplinkStatus status = uplink.status(); good(status)) return status;
    ADD_FAILURE() << uplink.status().trouble;
    return uplink.status();
  }

  support::TemporaryFolder folder_;
  FakeCollector collector_;
  Spool spool_;
  SpoolStore store_{folder_.path()};
};

TEST_F(UplinkTest, ShipsAndNotesWhatWasRejected) {
  Uplink uplink(options());
  const auto hello = collector_.welcome(0);
  EXPECT_EQ(hello.epoch, spool_.epoch());
  EXPECT_EQ(hello.first_held, 1u);
  const auto batch = collector_.expect<schema::Batch>();
  EXPECT_THAT(payloads(batch), ElementsAre("one", "two", "three"));
  collector_.ack(batch, {{2, schema::RejectCode::kBadJson}});
  Ledger wanted;
  wanted.captured = 3;
  wanted.acked = 2;
  wanted.rejected = {{"bad_json", 1}};
  EXPECT_EQ(await_ledger([](const Ledger& ledger) { return ledger.unshipped == 0; }), wanted);
}

TEST_F(UplinkTest, WhatIsAppendedLaterFollows) {
  Uplink uplink(options());
  collector_.welcome(0);
  collector_.ack(collector_.expect<schema::Batch>());
  spool_.append("four");
  uplink.wake();
  const auto batch = collector_.expect<schema::Batch>();
  EXPECT_EQ(batch.first_seq, 4u);
  EXPECT_THAT(payloads(batch), ElementsAre("four"));
}

TEST_F(UplinkTest, AFullDiskAtTheCollectorIsWaitedFor) {
  Uplink uplink(options());
  collector_.welcome(0);
  const auto batch = collector_.expect<schema::Batch>();
  collector_.say(
      schema::Nack{batch.epoch, 1, false, schema::NackCode::kStorage, 10, "the disk is full"});
  EXPECT_EQ(collector_.expect<schema::Batch>(), batch);
}

TEST_F(UplinkTest, HelloFirstBeginsAnew) {
  Uplink uplink(options());
  collector_.welcome(0);
  const auto batch = collector_.expect<schema::Batch>();
  collector_.say(schema::Nack{batch.epoch, 1, false, schema::NackCode::kHelloFirst, 0, "who?"});
  collector_.welcome(0);
  EXPECT_EQ(collector_.expect<schema::Batch>(), batch);
}

TEST_F(UplinkTest, ARestoredCollectorGetsAgainWhatItLost) {
  Uplink uplink(options());
  collector_.welcome(0);
  collector_.ack(collector_.expect<schema::Batch>());
  await_ledger([](const Ledger& ledger) { return ledger.acked == 3; });
  collector_.say(schema::Bye{});
  EXPECT_EQ(collector_.welcome(1).first_unacked, 4u);
  const auto batch = collector_.expect<schema::Batch>();
  EXPECT_EQ(batch.first_seq, 2u);
  EXPECT_THAT(payloads(batch), ElementsAre("two", "three"));
}

TEST_F(UplinkTest, AnAnswerThatWasLostIsAskedForAgain) {
  Uplink uplink(options());
  collector_.welcome(3);
  EXPECT_THAT(payloads(collector_.expect<schema::Batch>()), ElementsAre("one", "two", "three"));
}

TEST_F(UplinkTest, SilenceMeansANewConnection) {
  Uplink uplink(options());
  collector_.welcome(0, 20);
  collector_.expect<schema::Batch>();
  collector_.welcome(0);  // without any answer to the batch
  EXPECT_THAT(payloads(collector_.expect<schema::Batch>()), ElementsAre("one", "two", "three"));
}

TEST_F(UplinkTest, WhatIsForgottenOnItsWayIsFollowedByItsGap) {
  Uplink uplink(options());
  collector_.welcome(0);
  const auto batch = collector_.expect<schema::Batch>();
  EXPECT_EQ(store_.forget([](const StoredRecord& record) { return record.seq == 2; }), 1u);
  collector_.ack(batch);
  const auto again = collector_.expect<schema::Batch>();
  ASSERT_GE(again.records.size(), 2u);
  const std::size_t at = 2 - again.first_seq;
  EXPECT_THAT(again.records[at].payload, HasSubstr("\"forgotten\""));
}

TEST_F(UplinkTest, ARefusalForGoodIsSaidAndKeepsTheSpool) {
  Uplink uplink(options());
  const auto hello = collector_.expect<schema::Hello>();
  collector_.say(schema::Nack{hello.epoch, 0, true, schema::NackCode::kQuarantined, 0, "cloned"});
  const auto status = await(uplink, [](const UplinkStatus& now) { return !now.trouble.empty(); });
  EXPECT_THAT(status.trouble, HasSubstr("quarantined"));
  EXPECT_EQ(store_.ledger()->spooled, 3u);
}

TEST_F(UplinkTest, OfTwoOneShipsAndTheOtherTakesOver) {
  auto first = std::make_unique<Uplink>(options());
  await(*first, [](const UplinkStatus& status) { return status.holds_lock; });
  Uplink second(options());
  collector_.welcome(0);
  EXPECT_FALSE(second.status().holds_lock);
  first.reset();
  await(second, [](const UplinkStatus& status) { return status.holds_lock; });
  collector_.welcome(0);
  EXPECT_THAT(payloads(collector_.expect<schema::Batch>()), ElementsAre("one", "two", "three"));
}

TEST_F(UplinkTest, ACopiedMachineGoesOnAsOneOfItsOwn) {
  Uplink uplink(options());
  const auto refused = collector_.expect<schema::Hello>();
  collector_.say(
      schema::Nack{refused.epoch, 0, true, schema::NackCode::kQuarantined, 0, "seen twice"});
  await(uplink, [](const UplinkStatus& status) { return !status.trouble.empty(); });
  const auto fresh = renew_install_id(folder_.path());
  ASSERT_TRUE(fresh);
  auto hello = collector_.expect<schema::Hello>();
  while (hello.install != *fresh) {
    collector_.say(
        schema::Nack{hello.epoch, 0, true, schema::NackCode::kQuarantined, 0, "seen twice"});
    hello = collector_.expect<schema::Hello>();
  }
  collector_.say(schema::Welcome{1, hello.epoch, 0, 4 << 20, 1 << 20, 10'000});
  EXPECT_THAT(payloads(collector_.expect<schema::Batch>()), ElementsAre("one", "two", "three"));
}

TEST_F(UplinkTest, PausedItSaysNothingUntilResumed) {
  std::atomic<bool> paused{true};
  UplinkOptions given = options();
  given.is_paused = [&paused] { return paused.load(); };
  Uplink uplink(given);
  await(uplink, [](const UplinkStatus& status) { return status.holds_lock; });
  EXPECT_FALSE(uplink.status().connected);
  paused = false;
  collector_.welcome(0);
  await(uplink, [](const UplinkStatus& status) { return status.connected; });
}

// What was sent to the one and not acknowledged goes to the other.
TEST_F(UplinkTest, GoesOverToTheNextCollectorWhenOneEnds) {
  FakeCollector other;
  UplinkOptions given = options();
  given.endpoints.push_back(other.endpoint());
  given.reconnect_max_ms = 60'000;  // which it must not wait for
  Uplink uplink(given);
  collector_.welcome(0);
  collector_.expect<schema::Batch>();
  collector_.say(schema::Bye{});
  other.welcome(0);
  const auto batch = other.expect<schema::Batch>();
  EXPECT_THAT(payloads(batch), ElementsAre("one", "two", "three"));
  other.ack(batch);
  await_ledger([](const Ledger& ledger) { return ledger.acked == 3; });
}

TEST_F(UplinkTest, LeavesACollectorThatCannotStore) {
  FakeCollector other;
  UplinkOptions given = options();
  given.endpoints.push_back(other.endpoint());
  given.refused_ms = 100;
  Uplink uplink(given);
  collector_.welcome(0);
  const auto refused = collector_.expect<schema::Batch>();
  collector_.say(
      schema::Nack{refused.epoch, 1, false, schema::NackCode::kStorage, 60'000, "disk full"});
  other.welcome(0);
  other.ack(other.expect<schema::Batch>());
  await_ledger([](const Ledger& ledger) { return ledger.acked == 3; });
}

TEST_F(UplinkTest, TriesTheNextCollectorWhereNobodyListens) {
  UplinkOptions given = options();
  given.endpoints.insert(given.endpoints.begin(), "tcp://127.0.0.1:1");
  given.reconnect_max_ms = 60'000;
  Uplink uplink(given);
  collector_.welcome(0);
  collector_.ack(collector_.expect<schema::Batch>());
  await_ledger([](const Ledger& ledger) { return ledger.acked == 3; });
}

TEST_F(UplinkTest, EndsAtOnceWithNobodyAtTheOtherEnd) {
  UplinkOptions given = options();
  given.endpoints = {"tcp://127.0.0.1:1"};
  Uplink uplink(given);
  const auto status = await(uplink, [](const UplinkStatus& now) { return !now.trouble.empty(); });
  EXPECT_THAT(status.trouble, HasSubstr("127.0.0.1:1"));
  const auto began = Steady::now();
  uplink.stop();
  EXPECT_LT(Steady::now() - began, std::chrono::milliseconds(150));
}

struct BadConfig {
  const char* name;
  CollectorConfig collector;
  const char* says;
};

class UplinkConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(UplinkConfigTest, IsRefusedWithWhatToDo) {
  Config config;
  config.collector = GetParam().collector;
  const auto options = read_uplink_options(config);
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, UplinkConfigTest,
    testing::Values(BadConfig{"NoScheme", {{"host:7341"}, "", "", true}, "tcp://HOST:PORT"},
                    BadConfig{"NoPort", {{"tcp://host"}, "", "", true}, "tcp://HOST:PORT"},
                    BadConfig{"PortZero", {{"tcp://host:0"}, "", "", true}, "tcp://HOST:PORT"},
                    BadConfig{
                        "PlainBeyondLoopback", {{"tcp://host:7341"}, "", "", true}, "loopback"},
                    BadConfig{"NoKeys", {{"tcp://host:7341"}, "", "", false}, "keys generate"},
                    BadConfig{"NoSuchServerKey",
                              {{"tcp://host:7341"}, "/nowhere", "/nowhere", false},
                              "server_key_file"}),
    [](const auto& one) { return one.param.name; });

TEST_F(UplinkTest, ACollectorThatIsNeverReachedIsNoQuestionOfTime) {
  Config config;
  config.state = folder_.path();
  config.collector.endpoints = {collector_.endpoint()};  // it listens, and says nothing
  config.collector.plain = true;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(ship(config, 200, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr(collector_.endpoint() + " gives no answer yet"));
}

}  // namespace
}  // namespace strop::agent
