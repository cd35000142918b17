#include "collector/store/sqlite_store.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>

#include "collector/store/schema.h"
#include "collector/store/sqlite_statements.h"
#include "collector/store/store_file.h"

namespace strop::collector {
namespace {

constexpr int kBusyTimeoutMs = 10000;
constexpr int kPageBytes = 16 << 10;
constexpr std::int64_t kCheckpointBytes = 4 << 20;

// Without SQLite's own locks: one thread at a time is the store's contract.
int open_flags(StoreAccess access) {
  return SQLITE_OPEN_NOMUTEX |
         (access == StoreAccess::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
}

}  // namespace

SqliteStore::SqliteStore(const std::filesystem::path& file, StoreAccess access,
                         StoreCheckup checkup) {
  if (access == StoreAccess::kReceiver) {
    lock_fd_ = take_lock(file);
    try {
      create_private(file);
    } catch (...) {
      ::close(lock_fd_);
      throw;
    }
  }
  try {
    open(file, access, checkup);
  } catch (...) {
    if (lock_fd_ >= 0) ::close(lock_fd_);
    throw;
  }
}

SqliteStore::~SqliteStore() {
  statements_.reset();
  db_.reset();
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

void SqliteStore::check() {
  const std::string found = db_->text("PRAGMA quick_check(1)");
  if (found != "ok")
    throw StoreError(StoreFault::kCorrupt, "the store " + file_.string() + " is damaged: " + found +
                                               "; restore a backup, or move the file away");
}

void SqliteStore::open(const std::filesystem::path& file, StoreAccess access,
                       StoreCheckup checkup) {
  file_ = file;
  db_ = std::make_unique<Database>(file, open_flags(access));
  db_->wait_when_busy(kBusyTimeoutMs);
  // What a receiver writes goes to streams that the same transaction has seen: looking for them
  // once more with each row would cost a tenth.
  if (access != StoreAccess::kReceiver) db_->run("PRAGMA foreign_keys = ON");
  db_->run("PRAGMA secure_delete = ON");  // what is erased is gone from the file
  // Of a new file: an event of some kilobytes is then one or two writes instead of many.
  db_->run("PRAGMA page_size = " + std::to_string(kPageBytes));
  if (access == StoreAccess::kRead) {
    require_current(*db_);
    return;
  }
  if (db_->text("PRAGMA journal_mode = WAL") != "wal")
    throw StoreError(StoreFault::kUnusable, "the store " + file.string() +
                                                " cannot use a write-ahead log: its file system "
                                                "has no shared memory (a network share?)");
  db_->run("PRAGMA synchronous = FULL");
  db_->run("PRAGMA journal_size_limit = 67108864");
  // What one commit changes stays in memory until it is written, once.
  db_->run("PRAGMA cache_size = -12288");
  // Little at a time is brought into the file: agents wait for it.
  db_->run("PRAGMA wal_autocheckpoint = " +
           std::to_string(kCheckpointBytes / db_->number("PRAGMA page_size")));
  migrate(*db_);
  if (access == StoreAccess::kReceiver) {
    sync_folder(file);
    if (checkup == StoreCheckup::kFirst) check();
    // One that was killed before it could, may have left some.
    erased_in_log_ = true;
    clear_log();
  }
  statements_ = std::make_unique<Statements>(*db_);
}

// A file that was removed, or moved away, takes every write and is gone with this process; so is a
// log.
void SqliteStore::require_in_place() const {
  if (!db_->moved() && std::filesystem::exists(file_.string() + "-wal")) return;
  throw StoreError(StoreFault::kUnusable,
                   "the store " + file_.string() +
                       " was removed or replaced while in use; put it back, log (-wal) and all, "
                       "or restart to begin a new one");
}

// The log still holds the pages as they were before the erasure. Whoever reads may need them: then
// not now, and without a wait, for agents wait too.
void SqliteStore::clear_log() {
  if (!erased_in_log_) return;
  db_->wait_when_busy(0);
  try {
    erased_in_log_ = !db_->clear_log();
  } catch (const StoreError& error) {
    // What was committed is durable all the same, and the next call tries again.
    if (error.fault() == StoreFault::kCorrupt) throw;
  }
  db_->wait_when_busy(kBusyTimeoutMs);
}

void SqliteStore::probe(std::uint64_t bytes) {
  require_in_place();
  // Committed, for what is rolled back never reaches the disk. A blob counts as 0 to what follows.
  if (bytes > 0) {
    Transaction transaction(*db_);
    statements_->probe_much.with(bytes).run();
    transaction.commit();
  }
  Transaction transaction(*db_);
  statements_->probe.with().run();
  transaction.commit();
}

void SqliteStore::set_size_limit(std::int64_t bytes) {
  db_->run("PRAGMA max_page_count = " +
           std::to_string(std::max<std::int64_t>(1, bytes / db_->number("PRAGMA page_size"))));
}

void SqliteStore::backup(const std::string& file) {
  if (std::filesystem::exists(file))
    throw StoreError(StoreFault::kUnusable, file + " exists already; give a new name");
  create_private(file);
  try {
    db_->copy_to(file);
    sync_file(file);
    sync_folder(file);
  } catch (...) {
    // Half a backup is none, and its name must be free for the next try.
    ::unlink(file.c_str());
    throw;
  }
}

}  // namespace strop::collector
