#include "collector/store/postgres_link.h"

#include <algorithm>

namespace strop::collector {
namespace {

constexpr auto kPauseAtLeast = std::chrono::milliseconds(100);
constexpr auto kPauseAtMost = std::chrono::seconds(10);

// Of PostgreSQL's table of error codes.
StoreFault fault_of(const std::string& sqlstate) {
  if (sqlstate == "53100") return StoreFault::kFull;
  if (sqlstate == "XX001" || sqlstate == "XX002") return StoreFault::kCorrupt;
  // Too many connections or too little memory, a conflict of transactions, a lock not to be had.
  for (const char* busy : {"53", "40", "55P03"})
    if (sqlstate.starts_with(busy)) return StoreFault::kBusy;
  return StoreFault::kUnusable;
}

std::string in_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

PostgresLink::PostgresLink(std::string url, std::function<void(pqxx::connection&)> greet)
    : url_(std::move(url)), greet_(std::move(greet)) {}

pqxx::connection& PostgresLink::connection() {
  if (connection_) return *connection_;
  const auto began = Clock::now();
  if (began < try_again_) throw StoreError(StoreFault::kUnusable, last_error_);
  try {
    auto fresh = std::make_unique<pqxx::connection>(url_);
    greet_(*fresh);
    connection_ = std::move(fresh);
    return *connection_;
  } catch (const std::exception&) {
    const auto ended = Clock::now();
    try_again_ =
        ended + std::clamp<Clock::duration>(2 * (ended - began), kPauseAtLeast, kPauseAtMost);
    throw;
  }
}

void PostgresLink::fail(const std::exception& error) {
  // libpqxx would connect again by itself, in the middle of the work.
  connection_.reset();
  std::string what = in_one_line(error.what());
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  const StoreFault fault = sql != nullptr ? fault_of(sql->sqlstate()) : StoreFault::kUnusable;
  if (fault == StoreFault::kFull) what += "; free some space on the database's disk";
  if (sql == nullptr)
    what +=
        "; the database cannot be reached, each next batch tries again: check that it runs and "
        "that --store is right (a password stands in ~/.pgpass)";
  last_error_ = "the store: " + what;
  throw StoreError(fault, last_error_);
}

}  // namespace strop::collector
