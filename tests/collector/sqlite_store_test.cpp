// What holds for the store in a SQLite file: its files, its log, its one receiver.
#include "collector/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "collector/store/sqlite.h"
#include "collector/store_fixture.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SqliteStoreTest : public AnyStoreTest {
 protected:
  SqliteStoreTest() { reopen(); }
  std::string location() override { return file(); }
  std::filesystem::path file() const { return folder_ / "events.db"; }
  SqliteStore& sqlite() { return dynamic_cast<SqliteStore&>(*store_); }
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

  const TempFolder folder_;
};

TEST_F(SqliteStoreTest, WhatAGapErasedIsNotInTheFileThatIsLeft) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  put(stream_, {forgotten(2, 5)});
  store_.reset();  // the last connection folds the log into the file
  std::ifstream in(file(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

TEST_F(SqliteStoreTest, WhatAGapErasedIsInNoFileOfTheRunningStore) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  ASSERT_THAT(bytes(), HasSubstr("secret"));
  put(stream_, {forgotten(2, 2)});
  EXPECT_THAT(bytes(), Not(HasSubstr("secret")));
  EXPECT_EQ(put(stream_, {event(3, "c")}).durable_through, 3U);
}

TEST_F(SqliteStoreTest, WhileSomebodyReadsTheLogWaitsAndNobodyElseDoes) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  auto reader = std::make_unique<SqliteStore>(file(), StoreAccess::kRead);
  reader->hold_view();
  put(stream_, {forgotten(2, 2)});
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
TEST_F(SqliteStoreTest, WhatAKilledCollectorLeftInTheLogIsClearedAtTheStart) {
  put(stream_, {event(1, "a"), event(2, "secret")});
  SqliteStore reader(file(), StoreAccess::kRead);
  reader.hold_view();
  put(stream_, {forgotten(2, 2)});
  const TempFolder after;
  for (const char* part : {"", "-wal"})
    std::filesystem::copy_file(file().string() + part, (after / "events.db").string() + part);
  ASSERT_THAT(bytes_below(after.path()), HasSubstr("secret"));
  const SqliteStore again(after / "events.db", StoreAccess::kReceiver);
  EXPECT_THAT(bytes_below(after.path()), Not(HasSubstr("secret")));
}

// What root's commands make beside the store, the collector must be able to use: the log and the
// index of the log too, which SQLite makes and takes away.
TEST_F(SqliteStoreTest, WhatRootMakesIsTheFoldersOwners) {
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

TEST_F(SqliteStoreTest, OneReceiverAtATimeButReadersMayLook) {
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

TEST_F(SqliteStoreTest, IsItsOwnersAlone) {
  struct stat facts {};
  ASSERT_EQ(::stat(file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(SqliteStoreTest, ABackupIsAWholeStore) {
  put(stream_, {event(1, "a")});
  sqlite().backup(folder_ / "copy.db");
  EXPECT_THROW(sqlite().backup(folder_ / "copy.db"), StoreError);
  SqliteStore copy(folder_ / "copy.db", StoreAccess::kRead);
  EXPECT_EQ(copy.ledger(std::nullopt).at(0).stored, 1U);
}

TEST_F(SqliteStoreTest, ARestoredBackupTakesTheRestAgain) {
  put(stream_, {event(1, "a")});
  sqlite().backup(folder_ / "copy.db");
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

TEST_F(SqliteStoreTest, FilesThatAreNoStoreAreRefused) {
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

TEST_F(SqliteStoreTest, DamageIsFoundAtTheStart) {
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

TEST_F(SqliteStoreTest, AFullDiskIsSaidToBeFullAndNothingIsStored) {
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

}  // namespace
}  // namespace strop::collector
