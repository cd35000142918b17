// What holds for every kind of store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/store_fixture.h"
#include "collector/temp_folder.h"
#include "support/postgres_server.h"

namespace strop::collector {
namespace {

using schema::RejectCode;
using support::PostgresServer;
using testing::ElementsAre;
using testing::IsEmpty;

enum class Kind { kSqlite, kPostgres };

class StoreTest : public AnyStoreTest, public testing::WithParamInterface<Kind> {
 protected:
  StoreTest() {
    if (GetParam() == Kind::kPostgres) database_ = PostgresServer::shared().make_database();
    reopen();
  }
  std::string location() override {
    return GetParam() == Kind::kPostgres ? database_ : (folder_ / "events.db").string();
  }

 private:
  const TempFolder folder_;
  std::string database_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreTest, testing::Values(Kind::kSqlite, Kind::kPostgres),
                         [](const auto& kind) {
                           return kind.param == Kind::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(StoreTest, AnEventComesBackWithAllThatIsKnownOfIt) {
  put(stream_, {event(1, "a")});
  std::vector<StoredEvent> rows;
  store_->scan(0, [&](const StoredEvent& row) {
    rows.push_back(row);
    return true;
  });
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, stream_);
  EXPECT_EQ(rows[0].seq, 1U);
  EXPECT_EQ(rows[0].type, "shown");
  EXPECT_EQ(rows[0].suggestion, "s1");
  EXPECT_EQ(rows[0].contributor, "c1");
  EXPECT_EQ(rows[0].t_ms, 1000.5);
  EXPECT_EQ(rows[0].received_ms, 7);
  EXPECT_EQ(rows[0].payload, "a");
  EXPECT_EQ(rows[0].name(), "02020202020202020202020202020202:1");
}

TEST_P(StoreTest, WhatWasCommittedIsThereAfterOpeningAgain) {
  EXPECT_EQ(put(stream_, {event(1, "a"), event(2, "b")}).durable_through, 2U);
  reopen();
  EXPECT_EQ(open(stream_).durable_through, 2U);
  EXPECT_THAT(payloads(), ElementsAre("a", "b"));
}

TEST_P(StoreTest, WhatIsSentAgainIsStoredOnce) {
  put(stream_, {event(1, "a"), event(2, "b")});
  const BatchResult again = put(stream_, {event(2, "b"), event(3, "c")});
  EXPECT_EQ(again.duplicates, 1U);
  EXPECT_EQ(again.stored, 1U);
  EXPECT_EQ(again.durable_through, 3U);
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
}

TEST_P(StoreTest, StreamsDoNotMix) {
  put(key_of(1, 2), {event(1, "a")});
  put(key_of(1, 3), {event(1, "b")});
  put(key_of(2, 2), {event(1, "c")});
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(store_->ledger(std::nullopt).size(), 3U);
  EXPECT_EQ(store_->ledger(key_of(1, 0).install).size(), 2U);
}

TEST_P(StoreTest, AnotherContentUnderANameInUseQuarantinesTheInstallAlone) {
  put(stream_, {event(1, "a")});
  const StreamKey other = key_of(9, 9);
  const auto results =
      store_->commit({{open(stream_).id, stream_, "c1", {event(1, "A"), event(2, "b")}},
                      {open(other).id, other, "c2", {event(1, "x")}},
                      {open(stream_).id, stream_, "c1", {event(2, "b")}}},
                     8);
  EXPECT_TRUE(results[0].quarantined);
  EXPECT_FALSE(results[1].quarantined);
  EXPECT_TRUE(results[2].quarantined);
  EXPECT_THAT(payloads(), ElementsAre("a", "x"));
  EXPECT_EQ(store_->open_stream(stream_, {"anna", "c1"}, "agent", 1, 9).error(),
            OpenFault::kQuarantined);
  EXPECT_TRUE(ledger().quarantine.has_value());
}

TEST_P(StoreTest, ADeadLetterThatIsGoodTodayIsAnEvent) {
  put(stream_, {event(1, "a"), dead(2, RejectCode::kBadEvent), event(3, "c")});
  DeadLetter letter;
  store_->dead_letters([&](const DeadLetter& each) {
    letter = each;
    return true;
  });
  Entry still = dead(2, RejectCode::kTooDeep);
  still.reason = "another";
  EXPECT_TRUE(store_->replay(letter, still));
  store_->dead_letters([&](const DeadLetter& each) {
    EXPECT_EQ(each.code, "too_deep");
    EXPECT_EQ(each.reason, "another");
    return true;
  });
  EXPECT_TRUE(store_->replay(letter, event(2, "b")));
  EXPECT_FALSE(store_->replay(letter, event(2, "b")));
  EXPECT_THAT(payloads(), ElementsAre("a", "c", "b"));
  EXPECT_EQ(ledger().stored, 3U);
  EXPECT_EQ(ledger().rejected, 0U);
  EXPECT_TRUE(ledger().balanced());
  std::vector<std::uint64_t> in_order;
  store_->scan_suggestions([&](const std::vector<StoredEvent>& events) {
    for (const StoredEvent& each : events) in_order.push_back(each.seq);
    return true;
  });
  EXPECT_EQ(in_order.size(), 3U);
  // As it came the first time: known, and no clone.
  EXPECT_EQ(put(stream_, {dead(2, RejectCode::kBadEvent)}).duplicates, 1U);
}

TEST_P(StoreTest, WhatIsPastItsTimeGoesAndTheLedgerGoesOnCountingIt) {
  const auto at = [&](std::int64_t now_ms, std::vector<Entry> entries) {
    return store_->commit({{open(stream_).id, stream_, "c1", std::move(entries)}}, now_ms)[0];
  };
  at(100, {event(1, "a"), dead(2, RejectCode::kBadEvent), gap(3, 5)});
  open(stream_, 8);  // 6 and 7 are lost
  at(200, {event(8, "h")});
  at(900, {event(9, "i")});
  const Expired gone = store_->expire(500, 0, 100);
  EXPECT_TRUE(gone.done);
  EXPECT_EQ(gone.events, 2U);
  EXPECT_EQ(gone.dead_letters, 1U);
  EXPECT_THAT(payloads(), ElementsAre("i"));
  EXPECT_EQ(ledger().stored, 3U);
  EXPECT_EQ(ledger().rejected, 1U);
  EXPECT_EQ(ledger().gaps, 3U);
  EXPECT_EQ(ledger().lost, 2U);
  EXPECT_EQ(ledger().expired, 3U);
  EXPECT_TRUE(ledger().balanced());
  // What is sent again stays erased, whatever it is.
  EXPECT_EQ(at(950, {event(1, "a"), event(2, "other"), gap(3, 5), event(6, "f")}).stored, 0U);
  EXPECT_EQ(at(950, {forgotten(7, 9)}).erased, 1U);
  EXPECT_EQ(at(950, {event(10, "j")}).stored, 1U);
  EXPECT_TRUE(ledger().balanced());
  EXPECT_EQ(store_->expire(10'000, 0, 100).events, 1U);
  EXPECT_TRUE(ledger().balanced());
  EXPECT_EQ(open(stream_).durable_through, 10U);
  store_->forget({stream_.install}, 20'000);
  EXPECT_EQ(ledger().gaps, 10U);
  EXPECT_EQ(ledger().expired, 0U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_P(StoreTest, ALittleAtATimeGoesPastItsTime) {
  for (std::uint64_t seq = 1; seq <= 10; ++seq) put(stream_, {event(seq, std::to_string(seq))});
  const StreamKey other = key_of(2, 2);
  put(other, {event(1, "x")});
  Expired gone;
  int rounds = 0;
  for (; !gone.done && rounds < 20; ++rounds) gone = store_->expire(1'000'000, gone.after, 3);
  EXPECT_GE(rounds, 4);
  EXPECT_THAT(payloads(), IsEmpty());
  EXPECT_EQ(ledger().expired, 10U);
  EXPECT_EQ(open(stream_).durable_through, 10U);
}

TEST_P(StoreTest, WhoeverWasShutOutIsReadmittedOnce) {
  put(stream_, {event(1, "a")});
  EXPECT_FALSE(store_->readmit(stream_.install));
  put(stream_, {event(1, "A")});
  EXPECT_TRUE(store_->readmit(stream_.install));
  EXPECT_FALSE(store_->readmit(stream_.install));
  EXPECT_EQ(put(stream_, {event(2, "b")}).stored, 1U);
  EXPECT_FALSE(ledger().quarantine.has_value());
  EXPECT_THAT(payloads(), ElementsAre("a", "b"));
}

TEST_P(StoreTest, AnInstallBelongsToTheUserWhoCameFirst) {
  open(stream_);
  EXPECT_EQ(store_->open_stream(stream_, {"bob", "c2"}, "agent", 1, 9).error(),
            OpenFault::kWrongInstall);
  EXPECT_EQ(store_->open_stream(key_of(1, 77), {"bob", "c2"}, "agent", 1, 9).error(),
            OpenFault::kWrongInstall);
}

TEST_P(StoreTest, DeadLettersCountButAreNoEvents) {
  const BatchResult result = put(stream_, {event(1, "a"), dead(2, RejectCode::kBadJson)});
  EXPECT_EQ(result.durable_through, 2U);
  EXPECT_THAT(payloads(), ElementsAre("a"));
  std::vector<std::string> letters;
  store_->dead_letters([&](const DeadLetter& letter) {
    letters.push_back(std::to_string(letter.seq) + letter.code + letter.reason);
    return true;
  });
  EXPECT_THAT(letters, ElementsAre("2bad_jsonbecause"));
  EXPECT_EQ(put(stream_, {dead(2, RejectCode::kBadJson)}).duplicates, 1U);
  EXPECT_EQ(ledger().rejected, 1U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_P(StoreTest, AGapStandsForItsNumbers) {
  put(stream_, {event(1, "a"), gap(2, 9), event(10, "b")});
  EXPECT_EQ(ledger().through, 10U);
  EXPECT_EQ(ledger().gaps, 8U);
  EXPECT_EQ(ledger().stored, 2U);
  EXPECT_TRUE(ledger().balanced());
  EXPECT_EQ(put(stream_, {event(5, "late")}).duplicates, 1U);  // erased stays erased
}

TEST_P(StoreTest, WhatWasGivenUpAndHadArrivedStaysStored) {
  put(stream_, {event(1, "a"), event(2, "b"), dead(3, RejectCode::kBadEvent)});
  const BatchResult result = put(stream_, {gap(2, 5)});
  EXPECT_EQ(result.erased, 0U);
  EXPECT_EQ(result.durable_through, 5U);
  EXPECT_EQ(ledger().stored, 2U);
  EXPECT_EQ(ledger().rejected, 1U);
  EXPECT_EQ(ledger().gaps, 2U);
  EXPECT_TRUE(ledger().balanced());
  EXPECT_EQ(put(stream_, {gap(2, 5), event(6, "c")}).stored, 1U);
  EXPECT_EQ(ledger().through, 6U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_P(StoreTest, WhatIsForgottenIsErasedAlthoughItIsStored) {
  put(stream_, {event(1, "a"), event(2, "secret"), dead(3, RejectCode::kBadEvent)});
  const BatchResult result = put(stream_, {forgotten(2, 5)});
  EXPECT_EQ(result.erased, 2U);
  EXPECT_EQ(result.durable_through, 5U);
  EXPECT_THAT(payloads(), ElementsAre("a", "gap to 5"));
  EXPECT_TRUE(ledger().balanced());
}

TEST_P(StoreTest, WhatTheAgentNoLongerHoldsIsNotedAsLost) {
  put(stream_, {event(1, "a")});
  const OpenStream again = open(stream_, 5);
  EXPECT_EQ(again.lost, 3U);
  EXPECT_EQ(again.durable_through, 4U);
  EXPECT_EQ(open(stream_, 5).lost, 0U);  // noted once
  put(stream_, {event(5, "e")});
  EXPECT_EQ(ledger().lost, 3U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_P(StoreTest, WhatWasLostAndComesAfterAllIsFound) {
  open(stream_, 6);
  EXPECT_EQ(put(stream_, {event(3, "c")}).durable_through, 5U);
  EXPECT_EQ(ledger().lost, 4U);
  EXPECT_TRUE(ledger().balanced());
  put(stream_, {event(1, "a"), event(2, "b")});
  EXPECT_EQ(ledger().lost, 2U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_P(StoreTest, NothingIsStoredPastAHole) {
  put(stream_, {event(1, "a")});
  const BatchResult result = put(stream_, {event(3, "c")});
  EXPECT_TRUE(result.hole);
  EXPECT_EQ(result.durable_through, 1U);
  EXPECT_THAT(payloads(), ElementsAre("a"));
}

TEST_P(StoreTest, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::vector<std::string> sent{R"({"text":"a\\b \"c\" \u0000 \\x41 \\\\"})",
                                      R"(\x41)",
                                      R"(\\x41 \101 \N \.)",
                                      "\\",
                                      "",
                                      "\t\n\r 'quoted' \b\f\v",
                                      "\xc3\xa4hnlich, \xe4\xb8\xad\xe6\x96\x87",
                                      all,
                                      std::string(3000, 'x') + all};
  std::vector<Entry> entries;
  for (const std::string& payload : sent) entries.push_back(event(entries.size() + 1, payload));

  put(stream_, entries);

  EXPECT_EQ(payloads(), sent);
}

// As after a store was replaced by an empty one.
TEST_P(StoreTest, NothingIsStoredOfAStreamThatIsNotThere) {
  const auto results = store_->commit({{17, stream_, "c1", {event(1, "a")}}}, 7);

  EXPECT_TRUE(results.at(0).hole);
  EXPECT_EQ(results.at(0).durable_through, 0u);
  EXPECT_TRUE(payloads().empty());
}

TEST_P(StoreTest, AScanGoesOnFromWhereItStopped) {
  put(stream_, {event(1, "a"), event(2, "b"), event(3, "c")});
  std::int64_t last = 0;
  store_->scan(0, [&](const StoredEvent& row) {
    last = row.id;
    return row.payload != "b";
  });
  std::vector<std::string> rest;
  store_->scan(last, [&](const StoredEvent& row) {
    rest.push_back(row.payload);
    return true;
  });
  EXPECT_THAT(rest, ElementsAre("c"));
}

// A child writes and tells each number by a pipe after its commit; killed at any instant, all that
// it told is there, in a row, and the store is sound.
TEST_P(StoreTest, AWriterKilledAtAnyInstantHasLostNothingItTold) {
  store_.reset();
  constexpr int kKills = 12;
  std::uint64_t told = 0;
  for (int round = 0; round < kKills; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto store = open_store(location(), StoreAccess::kReceiver);
      const OpenStream stream = store->open_stream(stream_, {"anna", "c1"}, "agent", 1, 5).value();
      for (std::uint64_t seq = stream.durable_through + 1;; seq += 3) {
        const std::string body(700, static_cast<char>('a' + seq % 26));
        store->commit({{stream.id,
                        stream_,
                        "c1",
                        {event(seq, body), event(seq + 1, body), event(seq + 2, body)}}},
                      7);
        const std::uint64_t through = seq + 2;
        if (::write(pipe[1], &through, sizeof(through)) != sizeof(through)) ::_exit(1);
      }
    }
    ::close(pipe[1]);
    const int commits = 3 + round * 5;
    for (int i = 0; i < commits; ++i)
      ASSERT_EQ(::read(pipe[0], &told, sizeof(told)), static_cast<ssize_t>(sizeof(told)));
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &told, sizeof(told)) == static_cast<ssize_t>(sizeof(told))) {
    }
    ::close(pipe[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  reopen();  // checks the file
  EXPECT_GE(open(stream_).durable_through, told);
  EXPECT_EQ(ledger().stored, ledger().through);
  EXPECT_TRUE(ledger().balanced());
}

}  // namespace
}  // namespace strop::collector
