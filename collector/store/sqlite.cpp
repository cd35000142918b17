#include "collector/store/sqlite.h"

#include <sqlite3.h>

#include "collector/store/store.h"

namespace strop::collector {
namespace {

StoreFault fault_of(int extended) {
  // After a failed fsync nobody knows what the disk holds: going on could acknowledge what is lost.
  if (extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC)
    return StoreFault::kCorrupt;
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return StoreFault::kFull;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StoreFault::kBusy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StoreFault::kCorrupt;
    default:
      return StoreFault::kUnusable;
  }
}

std::string advice(StoreFault fault, int extended) {
  switch (fault) {
    case StoreFault::kFull:
      return "; free some space on its disk";
    case StoreFault::kBusy:
      return "; another process holds it, end that one or try again";
    case StoreFault::kCorrupt:
      if ((extended & 0xff) == SQLITE_IOERR) return "; restart once the disk is sound";
      return "; restore a backup, or move the file away to begin a new one";
    case StoreFault::kUnusable:
      return "";
  }
  return "";
}

}  // namespace

Database::Database(const std::filesystem::path& file, int flags) : file_(file) {
  const int result = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr);
  if (result == SQLITE_OK) {
    sqlite3_extended_result_codes(db_, 1);
    return;
  }
  const StoreFault fault = fault_of(result);
  const std::string message = "cannot open the store " + file.string() + ": " +
                              sqlite3_errstr(result) + advice(fault, result);
  sqlite3_close_v2(db_);
  throw StoreError(fault, message);
}

Database::~Database() { sqlite3_close_v2(db_); }

void Database::fail(const std::string& doing) const {
  const int extended = sqlite3_extended_errcode(db_);
  const StoreFault fault = fault_of(extended);
  throw StoreError(fault, "store " + file_.string() + ": cannot " + doing + ": " +
                              sqlite3_errmsg(db_) + advice(fault, extended));
}

void Database::run(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail("run '" + sql.substr(0, 60) + "'");
}

std::int64_t Database::number(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

std::string Database::text(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.text(0) : std::string();
}

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(db_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
bool Database::moved() const {
  int moved = 0;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}
void Database::wait_when_busy(int milliseconds) { sqlite3_busy_timeout(db_, milliseconds); }

bool Database::clear_log() {
  switch (sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) &
          0xff) {
    case SQLITE_OK:
      return true;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return false;
    default:
      fail("empty its log");
  }
}

void Database::copy_to(const std::filesystem::path& file) {
  Database target(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3_backup* backup = sqlite3_backup_init(target.db_, "main", db_, "main");
  if (backup == nullptr) target.fail("write a backup");
  int result = SQLITE_OK;
  do {
    result = sqlite3_backup_step(backup, -1);
    if (result == SQLITE_BUSY || result == SQLITE_LOCKED) sqlite3_sleep(20);
  } while (result == SQLITE_OK || result == SQLITE_BUSY || result == SQLITE_LOCKED);
  sqlite3_backup_finish(backup);
  if (result != SQLITE_DONE) target.fail("write a backup");
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  if (sqlite3_prepare_v3(database.db_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK)
    database.fail("prepare '" + std::string(sql.substr(0, 60)) + "'");
}

Statement::~Statement() { sqlite3_finalize(statement_); }

bool Statement::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      try {
        database_.fail("read or write");
      } catch (...) {
        sqlite3_reset(statement_);
        throw;
      }
  }
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() { sqlite3_reset(statement_); }

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
bool Statement::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Statement::bind(int index, std::int64_t value) {
  if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) database_.fail("bind a number");
}
void Statement::bind(int index, double value) {
  if (sqlite3_bind_double(statement_, index, value) != SQLITE_OK) database_.fail("bind a number");
}
void Statement::bind(int index, std::string_view value) {
  // An empty view may have no address, which SQLite would take for NULL.
  if (sqlite3_bind_text(statement_, index, value.empty() ? "" : value.data(),
                        static_cast<int>(value.size()), SQLITE_STATIC) != SQLITE_OK)
    database_.fail("bind a text");
}
void Statement::bind(int index, std::span<const std::uint8_t> blob) {
  if (sqlite3_bind_blob(statement_, index, blob.data(), static_cast<int>(blob.size()),
                        SQLITE_STATIC) != SQLITE_OK)
    database_.fail("bind a blob");
}
void Statement::bind(int index, std::nullptr_t) {
  if (sqlite3_bind_null(statement_, index) != SQLITE_OK) database_.fail("bind a null");
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (done_ || !database_.in_transaction()) return;
  try {
    database_.run("ROLLBACK");
  } catch (const StoreError&) {
    // SQLite rolls back by itself when the connection closes, or when the next one opens the file.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  done_ = true;
}

}  // namespace strop::collector
