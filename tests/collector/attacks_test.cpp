// Attacks on a `serve` of one's own: each is refused and told in the log, and an honest agent goes
// on delivering before, during and after it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "collector/serve_fixture.h"

namespace strop::collector {
namespace {

using schema::Ack;
using schema::Hello;
using schema::Nack;
using schema::NackCode;
using schema::RejectCode;
using schema::Welcome;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Steady = std::chrono::steady_clock;

// A connection below ZeroMQ.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error("connect");
  }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection() { ::close(fd_); }

  void say(std::string_view bytes) const {
    (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Whether the other side hangs up; a byte of `drip` is said every so often meanwhile.
  bool is_cut_off(std::string_view drip = {}) const {
    constexpr int kDripMs = 300;
    const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
    for (std::size_t said = 0; Steady::now() < until;) {
      pollfd item{fd_, POLLIN, 0};
      if (::poll(&item, 1, kDripMs) == 0) {
        if (said < drip.size()) say(drip.substr(said++, 1));
        continue;
      }
      char buffer[256];
      if (::recv(fd_, buffer, sizeof buffer, 0) <= 0) return true;
    }
    return false;
  }

 private:
  int fd_;
};

class AttackTest : public ServeTest {
 protected:
  AttackTest() {
    bob_ = make_key_pair();
    if (!allow(keys(), "bob", bob_.public_key)) throw std::runtime_error("allow");
  }
  void start_with(std::vector<std::string> more) {
    more_ = std::move(more);
    start();
    honest_ = connect(anna_);
    honest_->ask<Welcome>(hello());
    deliver();
  }
  // One more event of the honest agent's.
  void deliver() {
    ++delivered_;
    const auto ack =
        honest_->ask<Ack>(batch(delivered_, {event("e" + std::to_string(delivered_))}));
    EXPECT_EQ(ack.durable_through, delivered_);
    EXPECT_TRUE(ack.rejected.empty());
  }
  // The log comes from another process.
  void expect_logged(const std::string& what) {
    const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
    while (log().find(what) == std::string::npos && Steady::now() < until) deliver();
    EXPECT_THAT(log(), HasSubstr(what));
  }
  void TearDown() override {
    deliver();
    EXPECT_EQ(stored().size(), delivered_ + of_others_);
    EXPECT_EQ(serve_->stop(), 0);
  }

  // Bob's stream, with another install than anna's.
  static Hello hello_of_bob() { return {1, 1, id_of(7), id_of(8), 1, 1, "attack"}; }
  static schema::Batch batch_of_bob(std::uint64_t first, std::vector<std::string> payloads) {
    schema::Batch out{id_of(8), first, {}};
    for (std::string& payload : payloads) out.records.push_back({1, std::move(payload)});
    return out;
  }

  schema::CurveKey bob_;
  std::unique_ptr<Peer> honest_;
  std::uint64_t delivered_ = 0;
  std::size_t of_others_ = 0;  // events of attackers that are allowed to send some
};

TEST_F(AttackTest, ARandomKey) {
  start_with({});
  const auto stranger = connect(make_key_pair());
  deliver();
  EXPECT_FALSE(stranger->let_in());
  expect_logged("event=key_refused");
}

TEST_F(AttackTest, NoEncryption) {
  start_with({});
  Peer plain(serve_->port(), "", nullptr);
  plain.say(hello_of_bob());
  deliver();
  EXPECT_EQ(plain.hear(300), std::nullopt);
  expect_logged("event=handshake_failed");
}

TEST_F(AttackTest, AConnectionThatSaysNothing) {
  start_with({});
  const RawConnection silent(serve_->port());
  deliver();
  EXPECT_TRUE(silent.is_cut_off());
  expect_logged("event=handshake_failed");
}

TEST_F(AttackTest, AHandshakeThatDrips) {
  start_with({});
  const RawConnection slow(serve_->port());
  slow.say("\xff");
  EXPECT_TRUE(slow.is_cut_off(std::string(64, '\0')));
  expect_logged("event=handshake_failed");
}

TEST_F(AttackTest, JunkInsteadOfAHandshake) {
  start_with({});
  const RawConnection web(serve_->port());
  web.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(4096, 'x'));
  EXPECT_TRUE(web.is_cut_off());
  expect_logged("event=handshake_failed");
}

// libzmq tells no reason, and it might have been the other's connection that ended.
TEST_F(AttackTest, JunkWhileAnotherShakesHands) {
  start_with({});
  const RawConnection web(serve_->port());
  connect(bob_)->ask<Welcome>(hello_of_bob());
  web.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(4096, 'x'));
  EXPECT_TRUE(web.is_cut_off());
  expect_logged("event=handshake_failed");
}

// The first keeps the name; libzmq hears the other no more, so it can neither take answers nor
// send.
TEST_F(AttackTest, TheSameRoutingIdTwice) {
  start_with({});
  Peer first(serve_->port(), server_.public_key, &bob_, "same");
  first.ask<Welcome>(hello_of_bob());
  Peer second(serve_->port(), server_.public_key, &bob_, "same");
  ASSERT_TRUE(second.let_in());
  second.say(batch_of_bob(1, {event("stolen")}));
  expect_logged("event=connection_unheard");
  EXPECT_THAT(log(), HasSubstr("address=127.0.0.1 so_far=1"));
  EXPECT_EQ(second.hear(0), std::nullopt);
  EXPECT_EQ(first.ask<Ack>(batch_of_bob(1, {event("own")})).durable_through, 1U);
  ++of_others_;
}

TEST_F(AttackTest, AFrameAboveTheLimit) {
  start_with({});
  const auto bob = connect(bob_);
  bob->ask<Welcome>(hello_of_bob());
  bob->say_bytes(std::string(schema::kMaxMessageBytes + 1, '\1'));
  deliver();
  const auto answer = bob->hear();
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<Nack>(*answer).code, NackCode::kBadFrame);
  expect_logged("event=refused code=bad_frame reason=\"message above 1 MiB\" user=bob");
  // Far above it the connection is cut before it is read.
  const auto again = connect(bob_);
  again->ask<Welcome>(hello_of_bob());
  again->say_bytes(std::string(16 << 20, '\1'));
  EXPECT_EQ(again->hear(300), std::nullopt);
}

TEST_F(AttackTest, OversizedAndDeepJson) {
  start_with({});
  const auto bob = connect(bob_);
  bob->ask<Welcome>(hello_of_bob());
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const std::string large(schema::kMaxRecordBytes + 1, ' ');
  deliver();
  const auto ack = bob->ask<Ack>(batch_of_bob(1, {deep, large, event("good")}));
  EXPECT_THAT(ack.rejected, testing::ElementsAre(schema::Rejected{1, RejectCode::kTooDeep},
                                                 schema::Rejected{2, RejectCode::kTooLarge}));
  ++of_others_;
  expect_logged("event=event_rejected code=too_deep user=bob");
  expect_logged("event=event_rejected code=too_large user=bob");
}

// Many connections have small credits each, and one of them sends as if it had all.
TEST_F(AttackTest, MoreBytesThanCredits) {
  start_with({});
  constexpr int kConnections = 63;
  Crowd crowd(serve_->port(), server_.public_key, bob_, kConnections);
  for (int i = 0; i < kConnections; ++i)
    crowd.say(i, Hello{1, 1, id_of(7), id_of(100 + i), 1, 1, "attack"});
  std::uint32_t credits = 4U << 20;
  for (int i = 0; i < kConnections; ++i)
    credits = std::min(credits, std::get<Welcome>(crowd.hear(i)).credits);
  ASSERT_LT(credits, 2U << 20);
  schema::Batch greedy{id_of(100), 1, {}};
  greedy.records.assign(2, {1, std::string(500'000, ' ')});  // dead letters: they cost no room
  constexpr int kAtOnce = 4;
  const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
  bool refused = false;
  while (!refused && Steady::now() < until) {
    for (int i = 0; i < kAtOnce; ++i) crowd.say(0, greedy);
    for (int i = 0; i < kAtOnce; ++i) {
      const auto answer = crowd.hear(0);
      const auto* nack = std::get_if<Nack>(&answer);
      refused = refused || (nack != nullptr && nack->code == NackCode::kNoCredit);
    }
    deliver();
  }
  EXPECT_TRUE(refused);
  expect_logged("event=refused code=no_credit");
}

TEST_F(AttackTest, ARecordedBatchSentAgain) {
  start_with({});
  const auto bob = connect(bob_);
  const schema::Batch recorded = batch(1, {event("e1")});  // anna's
  EXPECT_EQ(bob->ask<Nack>(recorded).code, NackCode::kHelloFirst);
  expect_logged("event=refused code=hello_first");
  EXPECT_EQ(bob->ask<Nack>(hello()).code, NackCode::kWrongInstall);
  expect_logged("event=hello_refused code=wrong_install");
  EXPECT_EQ(bob->ask<Nack>(recorded).code, NackCode::kHelloFirst);
  // By whoever may: it is there already.
  EXPECT_EQ(honest_->ask<Ack>(recorded).durable_through, delivered_);
}

// Whoever is refused all day does not fill the disk with lines about it.
TEST_F(AttackTest, AFloodOfWhatIsLogged) {
  constexpr std::size_t kLinesPerMinute = 120;
  start_with({});
  const auto bob = connect(bob_);
  Hello alien = hello_of_bob();
  alien.version_min = alien.version_max = 99;
  for (std::size_t i = 0; i < 3 * kLinesPerMinute; ++i)
    EXPECT_EQ(bob->ask<Nack>(alien).code, NackCode::kVersion);
  const std::string page = get("/metrics");
  EXPECT_THAT(page, Not(HasSubstr("strop_collector_log_lines_left_out_total 0\n")));
  EXPECT_THAT(page, HasSubstr("strop_collector_log_lines_left_out_total "));
  std::size_t lines = 0;
  const std::string all = log();
  for (std::size_t at = 0; (at = all.find("event=hello_refused", at)) != std::string::npos; ++at)
    ++lines;
  EXPECT_GE(lines, kLinesPerMinute);
  EXPECT_LT(lines, kLinesPerMinute * 3 / 2);
}

TEST_F(AttackTest, ARevokedKeyThatIsConnected) {
  start_with({});
  const auto bob = connect(bob_);
  bob->ask<Welcome>(hello_of_bob());
  ASSERT_EQ(run_collector({"keys", "revoke", "--keys", keys(), "bob"}).code, 0);
  const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
  std::optional<Nack> nack;
  for (std::uint64_t seq = 1; !nack && Steady::now() < until; ++seq) {
    bob->say(batch_of_bob(seq, {event("late")}));
    const auto answer = bob->hear();
    ASSERT_TRUE(answer);
    if (const auto* refused = std::get_if<Nack>(&*answer))
      nack = *refused;
    else
      ++of_others_;
    deliver();
  }
  ASSERT_TRUE(nack);
  EXPECT_EQ(nack->code, NackCode::kUnauthorised);
  expect_logged("event=refused code=unauthorised");
}

TEST_F(AttackTest, AClonedInstall) {
  start_with({});
  const auto bob = connect(bob_);
  const auto clone = connect(bob_);
  bob->ask<Welcome>(hello_of_bob());
  clone->ask<Welcome>(hello_of_bob());
  bob->ask<Ack>(batch_of_bob(1, {event("own")}));
  ++of_others_;
  deliver();
  EXPECT_EQ(clone->ask<Nack>(batch_of_bob(1, {event("other")})).code, NackCode::kQuarantined);
  expect_logged("event=quarantined");
  EXPECT_EQ(bob->ask<Nack>(hello_of_bob()).code, NackCode::kQuarantined);
  const Said lifted = run_collector({"readmit", "--store", store(), schema::to_hex(id_of(7))});
  ASSERT_EQ(lifted.code, 0) << lifted.err;
  EXPECT_EQ(bob->ask<Welcome>(hello_of_bob()).durable_through, 1U);
}

TEST_F(AttackTest, TooManyConnectionsWithAKey) {
  start_with({"--sessions-per-key", "2"});
  const auto first = connect(bob_);
  const auto second = connect(bob_);
  const auto third = connect(bob_);
  first->ask<Welcome>(hello_of_bob());
  second->ask<Welcome>(hello_of_bob());
  deliver();
  EXPECT_EQ(third->ask<Nack>(hello_of_bob()).code, NackCode::kNoCredit);
  expect_logged("event=session_refused user=bob");
  first->say(schema::Bye{});  // one goes, and there is room again
  const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
  bool in = false;
  while (!in && Steady::now() < until) {
    third->say(hello_of_bob());
    const auto answer = third->hear();
    in = answer && std::holds_alternative<Welcome>(*answer);
  }
  EXPECT_TRUE(in);
}

TEST_F(AttackTest, TooManyHandshakesWithAKey) {
  start_with({"--handshakes-per-minute", "3"});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(connect(bob_)->let_in());
  EXPECT_FALSE(connect(bob_)->let_in());
  deliver();
  EXPECT_TRUE(connect(anna_)->let_in());  // others are not held up by it
  expect_logged("event=handshake_throttled");
  EXPECT_THAT(get("/metrics"),
              testing::Not(HasSubstr("\nstrop_collector_handshakes_throttled_total 0\n")));
}

TEST_F(AttackTest, TheWebUnderAForeignName) {
  std::ofstream(folder_ / "token") << "secret of this test\n";
  std::filesystem::permissions(folder_ / "token", std::filesystem::perms(0600));
  start_with({"--http-token-file", folder_ / "token", "--http-host", "strop.example"});
  const auto ask = [&](const std::string& headers) {
    return ask_web(serve_->http_port(),
                   "GET /metrics HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
  };
  const std::string token = "Authorization: Bearer secret of this test\r\n";
  EXPECT_THAT(ask("Host: evil.example\r\n" + token), StartsWith("HTTP/1.1 403"));
  expect_logged("event=http_refused by=host value=evil.example");
  EXPECT_THAT(ask("Host: localhost\r\nOrigin: http://evil.example\r\n" + token),
              StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask("Host: localhost\r\nOrigin: null\r\n" + token), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask("Host: localhost\r\n"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(ask("Host: localhost\r\nAuthorization: Bearer secret of this tesT\r\n"),
              StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(ask("Host: localhost\r\nX: " + std::string(16384, 'x') + "\r\n" + token),
              testing::Not(HasSubstr(" 200 ")));
  EXPECT_THAT(ask("Host: localhost\r\n" + token), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask("Host: strop.example\r\nOrigin: https://strop.example\r\n" + token),
              StartsWith("HTTP/1.1 200"));
  const RawConnection slow(serve_->http_port());
  EXPECT_TRUE(slow.is_cut_off("GET /metrics HTTP/1.1"));
}

}  // namespace
}  // namespace strop::collector
