// A store whose disk or file is not as it should be: nothing is acknowledged that will not be
// found, and nothing is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "collector/fill.h"
#include "collector/program.h"
#include "collector/serve_process.h"
#include "collector/store/sqlite.h"
#include "collector/store/sqlite_store.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using schema::Ack;
using schema::Nack;
using schema::NackCode;
using schema::Welcome;
using testing::HasSubstr;
using testing::StartsWith;
using Steady = std::chrono::steady_clock;

class StoreFaultTest : public testing::Test {
 protected:
  std::string file() const { return folder_ / "events.db"; }
  void fill_store(std::uint8_t stream = 1) {
    fill(file(), stream, Life().offered({"x + y"}).accepted().settled("x - y"));
  }
  // As `mv` does, with or without the log.
  static void move(const std::string& from, const std::string& to, const std::string& part) {
    std::filesystem::rename(from + part, to + part);
  }
  // A page that taking events in does not touch.
  void damage() const {
    const auto page = [&](const std::string& sql) { return Database(file(), 1).number(sql); };
    const auto root = page("SELECT rootpage FROM sqlite_master WHERE name = 'exports'");
    const auto size = page("PRAGMA page_size");
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp((root - 1) * size) << "damaged";
  }
  // What writing to the store throws; empty if nothing.
  static std::string complaint(SqliteStore& store) {
    try {
      store.probe(0);
    } catch (const StoreError& error) {
      EXPECT_EQ(error.fault(), StoreFault::kUnusable);
      return error.what();
    }
    return "";
  }

  TempFolder folder_;
};

TEST_F(StoreFaultTest, AStoreMovedAwayTakesNothingUntilItIsBack) {
  SqliteStore store(file(), StoreAccess::kReceiver);
  const StreamKey key = stream_key(1);
  const auto open = [&] { return store.open_stream(key, {"anna", "c1"}, "test", 1, 1); };
  const PendingBatch batch{open().value().id, key, "c1", {}};
  for (const char* part : {"", "-wal"}) {
    const std::string away = folder_ / "away.db";
    move(file(), away, part);
    EXPECT_THAT(complaint(store), HasSubstr("removed or replaced")) << part;
    EXPECT_THROW(store.commit({batch}, 1), StoreError) << part;
    EXPECT_THROW(open(), StoreError) << part;
    move(away, file(), part);
    EXPECT_EQ(complaint(store), "") << part;
    EXPECT_EQ(store.commit({batch}, 1).size(), 1U) << part;
  }
}

TEST_F(StoreFaultTest, AnotherFileUnderItsNameIsNotTheStore) {
  SqliteStore store(file(), StoreAccess::kReceiver);
  std::filesystem::copy_file(file(), folder_ / "other.db");
  std::filesystem::rename(folder_ / "other.db", file());
  EXPECT_THAT(complaint(store), HasSubstr("removed or replaced"));
}

TEST_F(StoreFaultTest, AProbeTakesTheRoomItAsksForAndGivesItBack) {
  constexpr std::uint64_t kMuch = 1 << 20;
  SqliteStore store(file(), StoreAccess::kReceiver);
  Database other(file(), 2 /* read, write */);
  const auto pages = [&] {
    return other.number("PRAGMA page_count") - other.number("PRAGMA freelist_count");
  };
  const auto before = pages();
  store.set_size_limit(4096 * before);
  store.probe(0);
  try {
    store.probe(kMuch);
    FAIL() << "found room where there is none";
  } catch (const StoreError& error) {
    EXPECT_EQ(error.fault(), StoreFault::kFull);
  }
  store.set_size_limit(4096 * before + 2 * kMuch);
  store.probe(kMuch);
  EXPECT_EQ(pages(), before);
  store.probe(0);
}

// In a child that may write no file longer than this, as on a full disk.
TEST_F(StoreFaultTest, AFailedBackupLeavesItsNameFree) {
  fill_store();
  const std::string copy = folder_ / "copy.db";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    SqliteStore store(file(), StoreAccess::kRead);
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8192, 8192};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      store.backup(copy);
      ::_exit(1);
    } catch (const StoreError&) {
      ::_exit(0);
    }
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0) << "the backup was written after all";
  for (const auto& left : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_THAT(left.path().filename().string(), StartsWith("events.db"));
  SqliteStore(file(), StoreAccess::kRead).backup(copy);
  EXPECT_EQ(SqliteStore(copy, StoreAccess::kRead).ledger(std::nullopt).size(), 1U);
}

// ---- the same, seen by an agent and by whoever watches

class ServeFaultTest : public StoreFaultTest {
 protected:
  static std::string event(std::size_t size) {
    return R"({"v":1,"type":"shown","suggestion":"s","t_ms":5,"source":"inline","presence":)"
           R"("rendered","of_a_later_version":")" +
           std::string(size, 'x') + "\"}";
  }
  static schema::Hello hello() {
    const StreamKey key = stream_key(1);
    return {1, 1, key.install, key.epoch, 1, 1, "test"};
  }
  static schema::Batch batch(std::uint64_t seq, std::size_t size = 10) {
    return {stream_key(1).epoch, seq, {{1, event(size)}}};
  }
  ServeProcess serve(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--store", file(), "--insecure-loopback", "--bind",
                             "tcp://127.0.0.1:0", "--http", "127.0.0.1:0"});
    return {std::move(more), folder_ / "ports"};
  }
  static std::string get(const ServeProcess& serve, const std::string& path) {
    return ask_web(serve.http_port(),
                   "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }
  static void await_metric(const ServeProcess& serve, const std::string& line) {
    const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
    while (get(serve, "/metrics").find("\n" + line + "\n") == std::string::npos)
      ASSERT_LT(Steady::now(), until) << line;
  }
  static void expect_web(const ServeProcess& serve, const std::string& status) {
    for (const char* path : {"/readyz", "/healthz"})
      EXPECT_THAT(get(serve, path), StartsWith("HTTP/1.1 " + status)) << path;
  }
};

TEST_F(ServeFaultTest, NothingIsAcknowledgedIntoARemovedStore) {
  const ServeProcess collector = serve();
  Peer agent(collector.port(), "", nullptr);
  agent.ask<Welcome>(hello());
  EXPECT_EQ(agent.ask<Ack>(batch(1)).durable_through, 1U);
  expect_web(collector, "200");
  move(file(), folder_ / "away.db", "");
  expect_web(collector, "503");
  const Nack nack = agent.ask<Nack>(batch(2));
  EXPECT_EQ(nack.code, NackCode::kStorage);
  EXPECT_FALSE(nack.permanent);
  move(folder_ / "away.db", file(), "");
  EXPECT_EQ(agent.ask<Ack>(batch(2)).durable_through, 2U);
  expect_web(collector, "200");
}

// A store too large to keep agents waiting is looked through while it is used.
TEST_F(ServeFaultTest, ALargeStoreIsLookedThroughMeanwhile) {
  { const SqliteStore made(file(), StoreAccess::kReceiver); }
  const ServeProcess collector = serve({"--check-first-mib", "0"});
  Peer agent(collector.port(), "", nullptr);
  agent.ask<Welcome>(hello());
  EXPECT_EQ(agent.ask<Ack>(batch(1)).durable_through, 1U);
  await_metric(collector, "strop_collector_store_checked 1");
  expect_web(collector, "200");
}

// From then on nothing is taken that would be lost with it, and whoever watches is told.
TEST_F(ServeFaultTest, WhatIsFoundDamagedMeanwhileTakesNothingMore) {
  { const SqliteStore made(file(), StoreAccess::kReceiver); }
  damage();
  const ServeProcess collector = serve({"--check-first-mib", "0"});
  const auto until = Steady::now() + std::chrono::milliseconds(kPatienceMs);
  while (get(collector, "/healthz").find("is damaged") == std::string::npos)
    ASSERT_LT(Steady::now(), until);
  expect_web(collector, "503");
  Peer agent(collector.port(), "", nullptr);
  EXPECT_EQ(agent.ask<Nack>(hello()).code, NackCode::kStorage);
  EXPECT_TRUE(std::filesystem::exists(file() + ".damaged"));  // the next start is not so quick
}

TEST_F(StoreFaultTest, CheckTellsAWholeStoreFromADamagedOne) {
  fill_store();
  const std::vector<std::string> check{"check", "--store", file()};
  EXPECT_EQ(run_collector(check).code, 0);
  damage();
  const Said said = run_collector(check);
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.err, HasSubstr("is damaged"));
  EXPECT_EQ(run_collector({"check", "--store", folder_ / "none.db"}).code, 2);
}

// What fits is taken, but while what failed would still fail the collector is not ready.
TEST_F(ServeFaultTest, AStoreAlmostFullIsNotReady) {
  const ServeProcess collector = serve({"--max-store-mib", "1"});
  Peer agent(collector.port(), "", nullptr);
  agent.ask<Welcome>(hello());
  std::uint64_t seq = 1;
  constexpr std::size_t kLarge = 300'000;
  schema::Frame answer = Ack{};
  for (; seq < 10 && std::holds_alternative<Ack>(answer); ++seq) {
    agent.say(batch(seq, kLarge));
    answer = agent.hear().value_or(Ack{});
  }
  ASSERT_TRUE(std::holds_alternative<Nack>(answer));
  EXPECT_EQ(std::get<Nack>(answer).code, NackCode::kStorage);
  expect_web(collector, "503");
  EXPECT_THAT(get(collector, "/metrics"), HasSubstr("\nstrop_collector_ready 0\n"));
  agent.ask<Ack>(batch(seq - 1));
  expect_web(collector, "200");
}

}  // namespace
}  // namespace strop::collector
