// `serve` over real sockets and real CURVE, on loopback: who gets in, what is kept, what it tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "collector/http/server.h"
#include "collector/serve_fixture.h"

namespace strop::collector {
namespace {

using schema::Ack;
using schema::Batch;
using schema::Bye;
using schema::Hello;
using schema::Nack;
using schema::NackCode;
using schema::Ping;
using schema::Pong;
using schema::RejectCode;
using schema::Welcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(ServeTest, AStrangerIsTurnedAway) {
  start();
  const auto stranger = connect(make_key_pair());
  EXPECT_FALSE(stranger->let_in());
  EXPECT_THAT(get("/metrics"), HasSubstr("\nstrop_collector_keys_refused_total 1\n"));
}

TEST_F(ServeTest, WithoutKeysNobodyGetsIn) {
  start();
  Peer plain(serve_->port(), "", nullptr);
  plain.say(hello());
  EXPECT_EQ(plain.hear(300), std::nullopt);
  EXPECT_TRUE(connect(anna_)->let_in());  // it still serves
}

TEST_F(ServeTest, WhatIsAcknowledgedIsOnDiskOnce) {
  start();
  const auto anna = connect(anna_);
  EXPECT_TRUE(anna->let_in());
  const auto welcome = anna->ask<Welcome>(hello());
  EXPECT_EQ(welcome.durable_through, 0U);
  EXPECT_GE(welcome.credits, welcome.max_batch);
  EXPECT_EQ(anna->ask<Ack>(batch(1, {event("a"), event("b")})).durable_through, 2U);
  EXPECT_THAT(stored(), ElementsAre(event("a"), event("b")));  // by another process, now
  EXPECT_EQ(anna->ask<Ack>(batch(1, {event("a"), event("b"), event("c")})).durable_through, 3U);
  EXPECT_THAT(stored(), ElementsAre(event("a"), event("b"), event("c")));
  EXPECT_EQ(serve_->stop(), 0);
  EXPECT_EQ(anna->hear(), schema::Frame(Bye{}));

  start();
  const auto again = connect(anna_);
  EXPECT_EQ(again->ask<Welcome>(hello()).durable_through, 3U);
}

TEST_F(ServeTest, ABadEventIsNamedAndTheRestGoesOn) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  const auto ack = anna->ask<Ack>(batch(1, {event("a"), "oops", event("b")}));
  EXPECT_EQ(ack.durable_through, 3U);
  EXPECT_THAT(ack.rejected, ElementsAre(schema::Rejected{2, RejectCode::kBadJson}));
  EXPECT_THAT(stored(), ElementsAre(event("a"), event("b")));
  EXPECT_THAT(run_collector({"deadletter", "--store", store()}).out, HasSubstr(":2  bad_json"));
  const Said ledger = run_collector({"ledger", "--store", store()});
  EXPECT_EQ(ledger.code, 0);
  EXPECT_THAT(ledger.out, HasSubstr("3 captured = 2 acked + 1 rejected + 0 gaps + 0 lost"));
}

TEST_F(ServeTest, SecretsAreRemovedAtIngest) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  const std::string token = std::string("ghp_") + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
  anna->ask<Ack>(batch(1, {event(token)}));
  const auto kept = stored();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(nlohmann::json::parse(kept[0]),
            nlohmann::json::parse(event("«REDACTED:github_token»")));
  EXPECT_THAT(get("/metrics"), HasSubstr("\nstrop_collector_events_scrubbed_total 1\n"));
}

// Whether any file beside the store holds this text.
bool is_below(const std::filesystem::path& folder, const std::string& text) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

// Also where somebody was reading when it was forgotten, and nothing else is ever sent.
TEST_F(ServeTest, WhatADeveloperForgetsIsSoonInNoFile) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  anna->ask<Ack>(batch(1, {event("forgettable")}));
  ASSERT_TRUE(is_below(folder_.path(), "forgettable"));
  auto reader = std::make_unique<SqliteStore>(store(), StoreAccess::kRead);
  reader->hold_view();
  anna->ask<Ack>(batch(
      1, {R"({"v":1,"type":"gap","t_ms":1,"source":"edit","seq":[1,1],"reason":"forgotten"})"}));
  EXPECT_TRUE(is_below(folder_.path(), "forgettable"));  // the reader's view
  reader.reset();
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (is_below(folder_.path(), "forgettable") && std::chrono::steady_clock::now() < until)
    EXPECT_THAT(get("/metrics"), StartsWith("HTTP/1.1 200"));  // unlike /healthz writes nothing
  EXPECT_FALSE(is_below(folder_.path(), "forgettable"));
}

TEST_F(ServeTest, AClonedMachineIsQuarantined) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  anna->ask<Ack>(batch(1, {event("a")}));
  const auto nack = anna->ask<Nack>(batch(1, {event("another")}));
  EXPECT_EQ(nack.code, NackCode::kQuarantined);
  EXPECT_TRUE(nack.permanent);
  EXPECT_EQ(connect(anna_)->ask<Nack>(hello(3)).code, NackCode::kQuarantined);
  EXPECT_THAT(stored(), ElementsAre(event("a")));
}

TEST_F(ServeTest, AnInstallBelongsToWhoeverCameFirst) {
  const schema::CurveKey bob = make_key_pair();
  ASSERT_TRUE(allow(keys(), "bob", bob.public_key));
  start();
  connect(anna_)->ask<Welcome>(hello());
  EXPECT_EQ(connect(bob)->ask<Nack>(hello(3)).code, NackCode::kWrongInstall);
}

// A ROUTER cannot throw a peer out; so every batch is asked for its key.
TEST_F(ServeTest, ARevokedKeyIsRefusedAtItsNextBatches) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  EXPECT_EQ(run_collector({"keys", "revoke", "--keys", keys(), "anna"}).code, 0);
  std::uint64_t seq = 1;
  std::optional<Nack> nack;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (!nack && std::chrono::steady_clock::now() < until) {
    anna->say(batch(seq++, {event("s")}));
    const auto answer = anna->hear();
    ASSERT_TRUE(answer);
    if (const auto* refused = std::get_if<Nack>(&*answer)) nack = *refused;
  }
  ASSERT_TRUE(nack);
  EXPECT_EQ(nack->code, NackCode::kUnauthorised);
  EXPECT_TRUE(nack->permanent);
  EXPECT_FALSE(connect(anna_)->let_in());
}

TEST_F(ServeTest, AKeyAllowedLaterGetsInWithoutARestart) {
  start();
  const schema::CurveKey bob = make_key_pair();
  ASSERT_FALSE(connect(bob)->let_in());
  EXPECT_EQ(run_collector({"keys", "allow", "--keys", keys(), "bob", bob.public_key}).code, 0);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  bool in = false;
  while (!in && std::chrono::steady_clock::now() < until) in = connect(bob)->let_in();
  EXPECT_TRUE(in);
}

TEST_F(ServeTest, JunkIsAnsweredAndDisturbsNobody) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  EXPECT_EQ(anna->ask<Nack>(Welcome{}).code, NackCode::kBadFrame);  // not an agent's to say
  EXPECT_EQ(anna->ask<Pong>(Ping{7}).token, 7U);
  EXPECT_EQ(anna->ask<Ack>(batch(1, {event("a")})).durable_through, 1U);
}

TEST_F(ServeTest, TheWebTellsTheTruth) {
  start();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200"));
  const std::string metrics = get("/metrics");
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(metrics, HasSubstr("# TYPE strop_collector_batches_total counter"));
  EXPECT_THAT(metrics, HasSubstr("\nstrop_collector_ready 1\n"));
  EXPECT_THAT(get("/other"), StartsWith("HTTP/1.1 404"));
  const auto say = [this](const std::string& request) {
    return ask_web(serve_->http_port(), request);
  };
  EXPECT_THAT(say("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                  "Connection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 405"));
  // A page elsewhere whose name was made to point here.
  EXPECT_THAT(say("GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
              Not(StartsWith("HTTP/1.1 200")));
  EXPECT_THAT(say("junk\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServeTest, WithoutKeysOnLoopbackByTheFlag) {
  ServeProcess serve({"--store", store(), "--insecure-loopback", "--bind", "tcp://127.0.0.1:0"},
                     folder_ / "ports");
  Peer plain(serve.port(), "", nullptr);
  EXPECT_EQ(plain.ask<Welcome>(hello()).version, 1);
  EXPECT_EQ(serve.stop(), 0);
}

TEST_F(ServeTest, OneStoreHasOneReceiver) {
  start();
  const Said second =
      run_collector({"serve", "--store", store(), "--keys", keys(), "--bind", "tcp://127.0.0.1:0"});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("another strop-collector serves it"));
}

TEST_F(ServeTest, ATakenPortSaysSo) {
  start();
  const std::string bind = "tcp://127.0.0.1:" + std::to_string(serve_->port());
  const Said second =
      run_collector({"serve", "--store", folder_ / "other.db", "--keys", keys(), "--bind", bind});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("another program listens there"));
}

struct BadStart {
  std::vector<std::string> arguments;
  int code;
  std::string says;
};

TEST_F(ServeTest, BadInputIsRefusedWithWhatToDo) {
  std::ofstream(folder_ / "junk.db") << std::string(8192, 'j');
  std::ofstream(folder_ / "bad.toml") << "stroe = 'x'\n";
  std::ofstream(folder_ / "torn.toml") << "store = \n";
  std::filesystem::create_directories(folder_ / "empty");
  const std::string local = "tcp://127.0.0.1:0";
  const BadStart table[] = {
      {{"--keys", keys(), "--bind", local}, 2, "which store? Give --store"},
      {{"--store", store(), "--keys", keys()}, 2, "listen where? Give --bind"},
      {{"--store", store(), "--bind", local}, 2, "without keys anybody could send"},
      {{"--store", store(), "--bind", "tcp://0.0.0.0:0"}, 2, "without keys anybody could send"},
      {{"--store", store(), "--bind", "tcp://0.0.0.0:0", "--insecure-loopback"},
       2,
       "refusing to listen on 0.0.0.0 without keys"},
      {{"--store", store(), "--bind", local, "--keys", keys(), "--insecure-loopback"},
       2,
       "exclude each other"},
      {{"--store", store(), "--keys", keys(), "--bind", "udp://x"}, 2, "is not tcp://HOST:PORT"},
      {{"--store", store(), "--keys", keys(), "--bind", "tcp://127.0.0.1:99999"},
       2,
       "is not HOST:PORT"},
      {{"--store", store(), "--keys", keys(), "--bind", local, "--http", "0.0.0.0:80"},
       2,
       "--http listens on loopback alone"},
      {{"--store", store(), "--keys", folder_ / "empty", "--bind", local},
       2,
       "`strop-collector keys generate --keys"},
      {{"--store", folder_ / "junk.db", "--keys", keys(), "--bind", local}, 1, "junk.db"},
      {{"--store", folder_ / "no" / "such.db", "--keys", keys(), "--bind", local},
       1,
       "folder must exist and be writable"},
      {{"--config", folder_ / "bad.toml"}, 2, "unknown key 'stroe'"},
      {{"--config", folder_ / "torn.toml"}, 2, "torn.toml"},
      {{"--config", folder_ / "none.toml"}, 2, "there is no configuration"},
      {{"--stoer", "x"}, 2, "--stoer"},
  };
  for (BadStart row : table) {
    row.arguments.insert(row.arguments.begin(), "serve");
    const Said said = run_collector(row.arguments);
    EXPECT_EQ(said.code, row.code) << row.says;
    EXPECT_THAT(said.err, HasSubstr(row.says));
  }
}

TEST_F(ServeTest, AKeyFileThatOthersMayReadIsRefused) {
  ASSERT_EQ(::chmod(server_key_file(keys()).c_str(), 0644), 0);
  const Said said =
      run_collector({"serve", "--store", store(), "--keys", keys(), "--bind", "tcp://127.0.0.1:0"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("600"));
}

TEST_F(ServeTest, AMalformedAllowListIsRefused) {
  std::ofstream(allow_list_file(keys()), std::ios::app) << "what is this\n";
  const Said said =
      run_collector({"serve", "--store", store(), "--keys", keys(), "--bind", "tcp://127.0.0.1:0"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("is not `PUBLIC_KEY NAME`"));
}

// A backup is a whole store, taken while the collector runs.
TEST_F(ServeTest, ABackupHoldsWhatWasAcknowledged) {
  start();
  const auto anna = connect(anna_);
  anna->ask<Welcome>(hello());
  anna->ask<Ack>(batch(1, {event("a"), event("b")}));
  const std::string copy = folder_ / "copy.db";
  ASSERT_EQ(run_collector({"backup", "--store", store(), "--to", copy}).code, 0);
  const Said ledger = run_collector({"ledger", "--store", copy});
  EXPECT_EQ(ledger.code, 0);
  EXPECT_THAT(ledger.out, HasSubstr("2 captured = 2 acked"));
  struct stat facts {};
  ASSERT_EQ(::stat(copy.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  const Said again = run_collector({"backup", "--store", store(), "--to", copy});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
}

TEST(Http, OnlyNamesOfThisMachinesLoopbackAndConfiguredOnesAreAnswered) {
  const std::vector<std::string> hosts{"strop.example"};
  for (const char* good : {"localhost", "localhost:80", "127.0.0.1", "127.0.0.1:7342", "[::1]",
                           "[::1]:7342", "strop.example", "STROP.example:443"}) {
    EXPECT_TRUE(is_own_host(good, hosts)) << good;
    EXPECT_TRUE(is_own_origin(std::string("http://") + good, hosts)) << good;
    EXPECT_TRUE(is_own_origin(std::string("https://") + good, hosts)) << good;
    EXPECT_FALSE(is_own_origin(good, hosts)) << good;
  }
  for (const char* bad :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ":80",
        "evil.example:80", "localhost:x", "local", "strop.example.evil"}) {
    EXPECT_FALSE(is_own_host(bad, hosts)) << bad;
    EXPECT_FALSE(is_own_origin(std::string("http://") + bad, hosts)) << bad;
  }
  EXPECT_FALSE(is_own_origin("null", hosts));
  EXPECT_FALSE(is_own_host("strop.example", {}));
}

}  // namespace
}  // namespace strop::collector
