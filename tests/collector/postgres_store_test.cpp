// What holds for the store in PostgreSQL: several collectors at once, and a database that goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "collector/store_fixture.h"
#include "collector/usage.h"
#include "support/postgres_server.h"

namespace strop::collector {
namespace {

using support::PostgresServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PostgresStoreTest : public AnyStoreTest {
 protected:
  PostgresStoreTest() : database_(PostgresServer::shared().make_database()) { reopen(); }
  std::string location() override { return database_; }
  std::unique_ptr<Store> another() { return open_store(database_, StoreAccess::kReceiver); }
  std::string ask(const std::string& sql) { return PostgresServer::ask(database_, sql); }

  const std::string database_;
};

std::string refusal(const std::string& location) {
  try {
    check_location(location);
    return "";
  } catch (const UsageError& error) {
    return error.what();
  }
}

TEST(PostgresLocation, APasswordOnTheCommandLineIsRefusedAndNotRepeated) {
  for (const char* url : {"postgresql://u:geheim@h/d", "postgres://u@h/d?password=geheim",
                          "postgresql://u@h/d?sslpassword=geheim"}) {
    EXPECT_THAT(refusal(url), HasSubstr("~/.pgpass")) << url;
    EXPECT_THAT(refusal(url), Not(HasSubstr("geheim"))) << url;
  }
  EXPECT_THAT(refusal("postgresql://u@h"), HasSubstr("which database"));
  EXPECT_THAT(refusal("postgresql://u@h/d?colour=red"), HasSubstr("as libpq reads it"));
  EXPECT_EQ(refusal("postgresql://u@h/d"), "");
}

TEST_F(PostgresStoreTest, CollectorsThatStartTogetherMakeTheTablesOnce) {
  const std::string fresh = PostgresServer::shared().make_database();
  std::vector<std::thread> starters;
  std::atomic<int> opened{0};
  for (int i = 0; i < 6; ++i)
    starters.emplace_back([&] { opened += open_store(fresh, StoreAccess::kReceiver) ? 1 : 0; });
  for (std::thread& starter : starters) starter.join();
  EXPECT_EQ(opened, 6);
}

TEST_F(PostgresStoreTest, ADatabaseWithoutAStoreIsRefusedByReaders) {
  const std::string fresh = PostgresServer::shared().make_database();
  for (const StoreAccess access : {StoreAccess::kRead, StoreAccess::kWrite}) {
    try {
      open_store(fresh, access);
      FAIL() << "opened what is not there";
    } catch (const StoreError& error) {
      EXPECT_THAT(error.what(), HasSubstr("`strop-collector serve` makes one"));
    }
  }
  ask("UPDATE strop.version SET version = 99");
  EXPECT_THROW(another(), StoreError);
}

TEST_F(PostgresStoreTest, AnotherCollectorsProgressIsKnown) {
  const OpenStream here = open(stream_);
  const auto other = another();
  other->open_stream(stream_, {"anna", "c1"}, "agent", 1, 5).value();
  other->commit({{here.id, stream_, "c1", {event(1, "a"), event(2, "b")}}}, 7);
  const auto late =
      store_->commit({{here.id, stream_, "c1", {event(1, "a"), event(2, "b"), event(3, "c")}}}, 8);
  EXPECT_EQ(late.at(0).duplicates, 2U);
  EXPECT_EQ(late.at(0).stored, 1U);
  EXPECT_EQ(late.at(0).durable_through, 3U);
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
}

TEST_F(PostgresStoreTest, WhomAnotherCollectorShutOutIsShutOutHere) {
  put(stream_, {event(1, "a")});
  const OpenStream here = open(stream_);
  EXPECT_TRUE(another()->commit({{here.id, stream_, "c1", {event(1, "A")}}}, 7)[0].quarantined);
  EXPECT_TRUE(store_->commit({{here.id, stream_, "c1", {event(2, "b")}}}, 7)[0].quarantined);
  EXPECT_THAT(payloads(), ElementsAre("a"));
}

TEST_F(PostgresStoreTest, ADatabaseThatWasReplacedTakesNothingUnderAnOldNumber) {
  const OpenStream here = open(stream_);
  ask("UPDATE strop.streams SET epoch = '\\x99'");
  const auto results = store_->commit({{here.id, stream_, "c1", {event(1, "a")}}}, 7);
  EXPECT_TRUE(results.at(0).hole);
  EXPECT_THAT(payloads(), IsEmpty());
}

// Half-open connections: both are sent the same streams, in another order of batches.
TEST_F(PostgresStoreTest, TwoCollectorsOfTheSameStreamsNeitherLoseNorDouble) {
  constexpr std::uint64_t kEvents = 120;
  const std::vector<StreamKey> keys{key_of(1, 1), key_of(2, 2), key_of(3, 3)};
  std::map<StreamKey, std::int64_t> ids;
  for (const StreamKey& key : keys) ids[key] = open(key).id;
  std::atomic<std::uint64_t> stored{0};
  const auto serve = [&](bool backwards, std::uint64_t stride) {
    const auto store = another();
    for (std::uint64_t seq = 1; seq <= kEvents; seq += stride) {
      std::vector<PendingBatch> batches;
      for (const StreamKey& key : keys) {
        PendingBatch batch{ids[key], key, "c1", {}};
        for (std::uint64_t i = seq; i < seq + stride; ++i)
          batch.entries.push_back(event(i, "p" + std::to_string(i)));
        batches.push_back(std::move(batch));
      }
      if (backwards) std::reverse(batches.begin(), batches.end());
      for (const BatchResult& result : store->commit(batches, 7)) {
        EXPECT_FALSE(result.hole || result.quarantined);
        EXPECT_GE(result.durable_through, seq + stride - 1);
        stored += result.stored;
      }
    }
  };
  std::thread one(serve, false, 3);
  std::thread two(serve, true, 4);
  one.join();
  two.join();
  EXPECT_EQ(stored, kEvents * keys.size());
  for (const LedgerRow& row : store_->ledger(std::nullopt)) {
    EXPECT_EQ(row.stored, kEvents);
    EXPECT_TRUE(row.balanced());
  }
}

TEST_F(PostgresStoreTest, ALostDatabaseIsAnErrorUntilItIsBack) {
  put(stream_, {event(1, "a")});
  const OpenStream here = open(stream_);
  PostgresServer::shared().stop();
  const std::vector<PendingBatch> next{{here.id, stream_, "c1", {event(2, "b")}}};
  for (int i = 0; i < 3; ++i) {
    try {
      store_->commit(next, 7);
      FAIL() << "stored without a database";
    } catch (const StoreError& error) {
      EXPECT_EQ(error.fault(), StoreFault::kUnusable);
      EXPECT_THAT(error.what(), HasSubstr("cannot be reached"));
    }
    EXPECT_THROW(store_->probe(0), StoreError);
  }
  PostgresServer::shared().start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (bool back = false; !back;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    try {
      store_->probe(100);
      back = true;
    } catch (const StoreError&) {
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(store_->commit(next, 7).at(0).durable_through, 2U);
  EXPECT_THAT(payloads(), ElementsAre("a", "b"));
}

TEST_F(PostgresStoreTest, AFullStoreSaysSoAndTakesAgainWhenThereIsRoom) {
  const OpenStream here = open(stream_);
  store_->set_size_limit(1 << 20);
  try {
    store_->commit({{here.id, stream_, "c1", {event(1, std::string(2 << 20, 'x'))}}}, 7);
    FAIL() << "stored beyond the limit";
  } catch (const StoreError& error) {
    EXPECT_EQ(error.fault(), StoreFault::kFull);
  }
  EXPECT_THROW(store_->probe(2 << 20), StoreError);
  EXPECT_EQ(store_->commit({{here.id, stream_, "c1", {event(1, "a")}}}, 7)[0].durable_through, 1U);
}

TEST_F(PostgresStoreTest, BytesThatAreNoTextAreKept) {
  const std::string odd("a\0b\xff\\", 5);
  put(stream_, {event(1, odd)});
  EXPECT_THAT(payloads(), ElementsAre(odd));
}

TEST_F(PostgresStoreTest, AViewIsOfOneMoment) {
  put(stream_, {event(1, "a")});
  const auto reader = open_store(database_, StoreAccess::kRead);
  reader->hold_view();
  put(stream_, {event(2, "b")});
  EXPECT_EQ(reader->ledger(std::nullopt).at(0).stored, 1U);
  EXPECT_EQ(ledger().stored, 2U);
}

TEST_F(PostgresStoreTest, SuggestionsComeWholeInTheOrderOfTheirFirsts) {
  std::vector<Entry> entries{event(1, "a"), event(2, "b"), event(3, "A"), gap(4, 5)};
  entries[2].suggestion = entries[0].suggestion;
  entries[3].suggestion.clear();
  put(stream_, std::move(entries));
  std::vector<std::vector<std::string>> seen;
  store_->scan_suggestions([&](const std::vector<StoredEvent>& events) {
    seen.emplace_back();
    for (const StoredEvent& each : events) seen.back().push_back(each.payload);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre(ElementsAre("a", "A"), ElementsAre("b")));
}

TEST_F(PostgresStoreTest, WhatIsForgottenStaysForgottenAndNamesItsExports) {
  put(stream_, {event(1, "a"), event(2, "b")});
  store_->note_export({5, "/x", {{"c1", 2}}, 0});
  store_->drop_export(store_->note_export({6, "/y", {{"c1", 3}}, 0}));
  const Forgotten forgotten = store_->forget({stream_.install}, 9);
  EXPECT_EQ(forgotten.events, 2U);
  ASSERT_EQ(forgotten.exports.size(), 1U);
  EXPECT_EQ(forgotten.exports[0].file, "/x");
  EXPECT_EQ(put(stream_, {event(1, "a"), event(2, "b")}).duplicates, 2U);
  EXPECT_EQ(ledger().gaps, 2U);
  EXPECT_TRUE(ledger().balanced());
}

}  // namespace
}  // namespace strop::collector
