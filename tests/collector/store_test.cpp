#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "collector/store/sqlite.h"
#include "collector/store/sqlite_store.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using schema::RejectCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

StreamKey key_of(int install, int epoch) {
  StreamKey key;
  key.install.fill(static_cast<std::uint8_t>(install));
  key.epoch.fill(static_cast<std::uint8_t>(epoch));
  return key;
}

Entry event(std::uint64_t seq, const std::string& payload) {
  Entry entry;
  entry.seq = seq;
  entry.hash = "hash of " + payload;
  entry.payload = payload;
  entry.type = "shown";
  entry.suggestion = "s" + std::to_string(seq);
  entry.t_ms = 1000.5;
  return entry;
}

Entry gap(std::uint64_t first, std::uint64_t last) {
  Entry entry = event(first, "gap to " + std::to_string(last));
  entry.span = static_cast<std::uint32_t>(last - first + 1);
  entry.type = "gap";
  entry.gap = true;
  return entry;
}

Entry dead(std::uint64_t seq, RejectCode code) {
  Entry entry = event(seq, "dead");
  entry.rejected = code;
  entry.reason = "because";
  return entry;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() { reopen(); }
  void reopen() {
    store_.reset();
    store_ = std::make_unique<SqliteStore>(file(), StoreAccess::kReceiver);
  }
  std::filesystem::path file() const { return folder_ / "events.db"; }

  OpenStream open(const StreamKey& key, std::uint64_t first_held = 1) {
    return store_->open_stream(key, {"anna", "c1"}, "agent", first_held, 5).value();
  }
  BatchResult put(const StreamKey& key, std::vector<Entry> entries) {
    return store_->commit({{open(key).id, key, "c1", std::move(entries)}}, 7).at(0);
  }
  std::vector<std::string> payloads() {
    std::vector<std::string> out;
    store_->scan(0, [&](const StoredEvent& row) {
      out.push_back(row.payload);
      return true;
    });
    return out;
  }
  // Of all files of the store.
  std::string bytes() const { return bytes_below(folder_.path()); }
  static std::string bytes_below(const std::filesystem::path& folder) {
    std::string out;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream in(entry.path(), std::ios::binary);
      out.append(std::istreambuf_iterator<char>(in), {});
    }
    return out;
  }
  LedgerRow ledger() { return store_->ledger(std::nullopt).at(0); }

  TempFolder folder_;
  std::unique_ptr<SqliteStore> store_;
  const StreamKey stream_ = key_of(1, 2);
};

TEST_F(StoreTest, AnEventComesBackWithAllThatIsKnownOfIt) {
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

TEST_F(StoreTest, WhatWasCommittedIsThereAfterOpeningAgain) {
  EXPECT_EQ(put(stream_, {event(1, "a"), event(2, "b")}).durable_through, 2U);
  reopen();
  EXPECT_EQ(open(stream_).durable_through, 2U);
  EXPECT_THAT(payloads(), ElementsAre("a", "b"));
}

TEST_F(StoreTest, WhatIsSentAgainIsStoredOnce) {
  put(stream_, {event(1, "a"), event(2, "b")});
  const BatchResult again = put(stream_, {event(2, "b"), event(3, "c")});
  EXPECT_EQ(again.duplicates, 1U);
  EXPECT_EQ(again.stored, 1U);
  EXPECT_EQ(again.durable_through, 3U);
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
}

TEST_F(StoreTest, StreamsDoNotMix) {
  put(key_of(1, 2), {event(1, "a")});
  put(key_of(1, 3), {event(1, "b")});
  put(key_of(2, 2), {event(1, "c")});
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(store_->ledger(std::nullopt).size(), 3U);
  EXPECT_EQ(store_->ledger(key_of(1, 0).install).size(), 2U);
}

TEST_F(StoreTest, AnotherContentUnderANameInUseQuarantinesTheInstallAlone) {
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

TEST_F(StoreTest, AnInstallBelongsToTheUserWhoCameFirst) {
  open(stream_);
  EXPECT_EQ(store_->open_stream(stream_, {"bob", "c2"}, "agent", 1, 9).error(),
            OpenFault::kWrongInstall);
  EXPECT_EQ(store_->open_stream(key_of(1, 77), {"bob", "c2"}, "agent", 1, 9).error(),
            OpenFault::kWrongInstall);
}

TEST_F(StoreTest, DeadLettersCountButAreNoEvents) {
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

TEST_F(StoreTest, AGapStandsForItsNumbers) {
  put(stream_, {event(1, "a"), gap(2, 9), event(10, "b")});
  EXPECT_EQ(ledger().through, 10U);
  EXPECT_EQ(ledger().gaps, 8U);
  EXPECT_EQ(ledger().stored, 2U);
  EXPECT_TRUE(ledger().balanced());
  EXPECT_EQ(put(stream_, {event(5, "late")}).duplicates, 1U);  // erased stays erased
}

TEST_F(StoreTest, AGapErasesWhatIsStoredAlready) {
  put(stream_, {event(1, "a"), event(2, "secret"), dead(3, RejectCode::kBadEvent)});
  const BatchResult result = put(stream_, {gap(2, 5)});
  EXPECT_EQ(result.erased, 2U);
  EXPECT_EQ(result.durable_through, 5U);
  EXPECT_THAT(payloads(), ElementsAre("a", "gap to 5"));
  EXPECT_TRUE(ledger().balanced());
  store_.reset();  // the last connection folds the log into the file
  std::ifstream in(file(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

TEST_F(StoreTest, WhatAGapErasedIsInNoFileOfTheRunningStore) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  ASSERT_THAT(bytes(), HasSubstr("secret"));
  put(stream_, {gap(2, 2)});
  EXPECT_THAT(bytes(), Not(HasSubstr("secret")));
  EXPECT_EQ(put(stream_, {event(3, "c")}).durable_through, 3U);
}

TEST_F(StoreTest, WhileSomebodyReadsTheLogWaitsAndNobodyElseDoes) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  auto reader = std::make_unique<SqliteStore>(file(), StoreAccess::kRead);
  reader->hold_view();
  put(stream_, {gap(2, 2)});
  EXPECT_EQ(put(stream_, {event(3, "c")}).durable_through, 3U);
  store_->clear_log();
  EXPECT_THAT(bytes(), HasSubstr("secret"));  // or this test shows nothing
  EXPECT_EQ(reader->ledger(std::nullopt).at(0).stored, 2U);
  reader.reset();
  store_->clear_log();
  EXPECT_THAT(bytes(), Not(HasSubstr("secret")));
  EXPECT_THAT(payloads(), ElementsAre("a", "gap to 2", "c"));
}

// Killed between the erasure and the clearing: the next one to serve the store does it.
TEST_F(StoreTest, WhatAKilledCollectorLeftInTheLogIsClearedAtTheStart) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  SqliteStore reader(file(), StoreAccess::kRead);
  reader.hold_view();
  put(stream_, {gap(2, 2)});
  const TempFolder after;
  for (const char* part : {"", "-wal"})
    std::filesystem::copy_file(file().string() + part, (after / "events.db").string() + part);
  ASSERT_THAT(bytes_below(after.path()), HasSubstr("secret"));
  const SqliteStore again(after / "events.db", StoreAccess::kReceiver);
  EXPECT_THAT(bytes_below(after.path()), Not(HasSubstr("secret")));
}

// What root's commands make beside the store, the collector must be able to use: the log and the
// index of the log too, which SQLite makes and takes away.
TEST_F(StoreTest, WhatRootMakesIsTheFoldersOwners) {
  // Only root can give files away; for anybody else the owner is himself.
  const bool root = ::geteuid() == 0;
  const uid_t collector = root ? 4711 : ::geteuid();
  const gid_t group = root ? 4712 : ::getegid();
  const TempFolder theirs;
  ASSERT_EQ(::chown(theirs.path().c_str(), collector, group), 0);
  const auto expect_theirs = [&](std::size_t files) {
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(theirs.path())) {
      struct stat facts {};
      ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
      EXPECT_EQ(facts.st_uid, collector) << entry.path();
      EXPECT_EQ(facts.st_gid, group) << entry.path();
      EXPECT_EQ(facts.st_mode & 0777U, 0600U) << entry.path();
      ++seen;
    }
    EXPECT_EQ(seen, files);
  };
  {
    SqliteStore store(theirs / "events.db", StoreAccess::kReceiver);
    store.backup(theirs / "copy.db");
    expect_theirs(5);  // the store, its lock, its log in two parts, the copy
  }
  expect_theirs(3);
  for (const StoreAccess access : {StoreAccess::kRead, StoreAccess::kWrite}) {
    SqliteStore store(theirs / "events.db", access);
    EXPECT_TRUE(store.ledger(std::nullopt).empty());
    expect_theirs(5);
  }
}

TEST_F(StoreTest, WhatTheAgentNoLongerHoldsIsNotedAsLost) {
  put(stream_, {event(1, "a")});
  const OpenStream again = open(stream_, 5);
  EXPECT_EQ(again.lost, 3U);
  EXPECT_EQ(again.durable_through, 4U);
  EXPECT_EQ(open(stream_, 5).lost, 0U);  // noted once
  put(stream_, {event(5, "e")});
  EXPECT_EQ(ledger().lost, 3U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_F(StoreTest, WhatWasLostAndComesAfterAllIsFound) {
  open(stream_, 6);
  EXPECT_EQ(put(stream_, {event(3, "c")}).durable_through, 5U);
  EXPECT_EQ(ledger().lost, 4U);
  EXPECT_TRUE(ledger().balanced());
  put(stream_, {event(1, "a"), event(2, "b")});
  EXPECT_EQ(ledger().lost, 2U);
  EXPECT_TRUE(ledger().balanced());
}

TEST_F(StoreTest, AHoleIsAFaultOfTheCaller) {
  EXPECT_THROW(put(stream_, {event(2, "b")}), std::logic_error);
  EXPECT_THAT(payloads(), IsEmpty());
}

TEST_F(StoreTest, AScanGoesOnFromWhereItStopped) {
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

TEST_F(StoreTest, OneReceiverAtATimeButReadersMayLook) {
  put(stream_, {event(1, "a")});
  try {
    const SqliteStore second(file(), StoreAccess::kReceiver);
    FAIL() << "a second receiver was let in";
  } catch (const StoreError& error) {
    EXPECT_EQ(error.fault(), StoreFault::kBusy);
    EXPECT_THAT(error.what(), HasSubstr("another strop-collector"));
  }
  SqliteStore reader(file(), StoreAccess::kRead);
  EXPECT_EQ(reader.ledger(std::nullopt).at(0).stored, 1U);
}

TEST_F(StoreTest, IsItsOwnersAlone) {
  struct stat facts {};
  ASSERT_EQ(::stat(file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(StoreTest, ABackupIsAWholeStore) {
  put(stream_, {event(1, "a")});
  store_->backup(folder_ / "copy.db");
  EXPECT_THROW(store_->backup(folder_ / "copy.db"), StoreError);
  SqliteStore copy(folder_ / "copy.db", StoreAccess::kRead);
  EXPECT_EQ(copy.ledger(std::nullopt).at(0).stored, 1U);
}

TEST_F(StoreTest, ARestoredBackupTakesTheRestAgain) {
  put(stream_, {event(1, "a")});
  store_->backup(folder_ / "copy.db");
  put(stream_, {event(2, "b")});
  store_.reset();
  std::filesystem::remove(file().string() + "-wal");
  std::filesystem::remove(file().string() + "-shm");
  std::filesystem::rename(folder_ / "copy.db", file());
  reopen();
  EXPECT_EQ(open(stream_).durable_through, 1U);
  put(stream_, {event(2, "b"), event(3, "c")});
  EXPECT_THAT(payloads(), ElementsAre("a", "b", "c"));
}

TEST_F(StoreTest, FilesThatAreNoStoreAreRefused) {
  auto message = [&](const std::string& name) -> std::string {
    try {
      const SqliteStore store(folder_ / name, StoreAccess::kReceiver);
      return "";
    } catch (const StoreError& error) {
      return error.what();
    }
  };
  std::ofstream(folder_ / "text.db") << std::string(4096, 'x');
  EXPECT_THAT(message("text.db"), HasSubstr("restore a backup"));
  Database(folder_ / "foreign.db", 6 /* read, write, create */).run("CREATE TABLE t (x)");
  EXPECT_THAT(message("foreign.db"), HasSubstr("not a store of Strop's"));
  store_.reset();
  Database(file(), 2 /* read, write */).run("PRAGMA user_version = 99");
  EXPECT_THAT(message("events.db"), HasSubstr("install a newer one"));
  EXPECT_THAT(message("nowhere/events.db"), HasSubstr("folder must exist"));
}

TEST_F(StoreTest, DamageIsFoundAtTheStart) {
  std::vector<Entry> entries;
  for (std::uint64_t seq = 1; seq <= 500; ++seq)
    entries.push_back(event(seq, std::string(300, 'x')));
  put(stream_, std::move(entries));
  store_.reset();
  std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
  for (int page = 12; page < 20; ++page) {
    out.seekp(page * 4096);
    out << std::string(200, '\x5a');
  }
  out.close();
  EXPECT_THROW(reopen(), StoreError);
}

TEST_F(StoreTest, AFullDiskIsSaidToBeFullAndNothingIsStored) {
  put(stream_, {event(1, "a")});
  store_.reset();
  {
    SqliteStore store(file(), StoreAccess::kReceiver);
    Database other(file(), 2 /* read, write */);
    const auto size = 4096 * other.number("PRAGMA page_count");
    store.set_size_limit(size);
    try {
      store.commit({{1, stream_, "c1", {event(2, std::string(200000, 'x'))}}}, 7);
      FAIL() << "stored beyond the ceiling";
    } catch (const StoreError& error) {
      EXPECT_EQ(error.fault(), StoreFault::kFull);
      EXPECT_THAT(error.what(), HasSubstr("free some space"));
    }
    store.set_size_limit(size + (4 << 20));
    EXPECT_EQ(store.commit({{1, stream_, "c1", {event(2, "b")}}}, 7).at(0).durable_through, 2U);
  }
  reopen();
  EXPECT_THAT(payloads(), ElementsAre("a", "b"));
}

// A child writes and tells each number by a pipe after its commit; killed at any instant, all that
// it told is there, in a row, and the store is sound.
TEST_F(StoreTest, AWriterKilledAtAnyInstantHasLostNothingItTold) {
  store_.reset();
  constexpr int kKills = 12;
  std::uint64_t told = 0;
  for (int round = 0; round < kKills; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      SqliteStore store(file(), StoreAccess::kReceiver);
      const OpenStream stream = store.open_stream(stream_, {"anna", "c1"}, "agent", 1, 5).value();
      for (std::uint64_t seq = stream.durable_through + 1;; seq += 3) {
        const std::string body(700, static_cast<char>('a' + seq % 26));
        store.commit({{stream.id,
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
