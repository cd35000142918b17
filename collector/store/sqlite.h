// A thin hold on SQLite: a connection, a prepared statement, errors as StoreError.
//
// Ownership: a Database owns its connection and must outlive its Statements. Thread: one at a time.
// Integers are 64 bits signed, as SQLite's are. Errors: StoreError, thrown, with SQLite's own words
// and the file's name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace strop::collector {

class Statement;

class Database {
 public:
  // `flags` are those of sqlite3_open_v2.
  Database(const std::filesystem::path& file, int flags);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql);
  std::int64_t number(const std::string& sql);  // first column of the first row
  std::string text(const std::string& sql);
  std::int64_t last_row_id() const;
  bool in_transaction() const;
  bool moved() const;  // the file is no longer the one under its name
  void wait_when_busy(int milliseconds);
  // Brings the write-ahead log into the file and empties it; false: others read or write.
  bool clear_log();
  void copy_to(const std::filesystem::path& file);

  // Throws the StoreError that SQLite's latest fault on this connection stands for.
  [[noreturn]] void fail(const std::string& doing) const;

 private:
  friend class Statement;
  std::filesystem::path file_;
  sqlite3* db_ = nullptr;
};

// A prepared statement, used again and again: bind in order, then step; `reset` starts over.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Resets, then binds the arguments to ?1, ?2, … The texts must live until the next reset.
  template <class... Arguments>
  Statement& with(const Arguments&... arguments) {
    reset();
    int index = 0;
    (bind(++index, arguments), ...);
    return *this;
  }
  bool step();  // true: a row is there
  void run();   // to its end, then reset
  void reset();

  std::int64_t number(int column) const;
  double real(int column) const;
  std::string text(int column) const;  // of a blob too
  bool null(int column) const;

 private:
  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, std::span<const std::uint8_t> blob);
  void bind(int index, std::nullptr_t);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool done_ = false;
};

}  // namespace strop::collector
