#include "collector/store/schema.h"

#include <array>

#include "collector/store/store.h"

namespace strop::collector {
namespace {

constexpr std::int64_t kApplicationId = 0x5374726f;  // "Stro"

constexpr std::array<const char*, 3> kMigrations{
    // 1: streams and what arrived on them. Times are milliseconds of the Unix epoch.
    R"(
CREATE TABLE installs (
  install BLOB PRIMARY KEY,
  user TEXT NOT NULL,              -- name on the allow-list that it belongs to
  contributor TEXT NOT NULL,       -- pseudonym
  quarantine TEXT                  -- why it is shut out
) WITHOUT ROWID;
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  install BLOB NOT NULL REFERENCES installs(install),
  epoch BLOB NOT NULL,
  agent TEXT NOT NULL,
  durable_through INTEGER NOT NULL DEFAULT 0,
  last_received_ms INTEGER NOT NULL,
  UNIQUE (install, epoch)
);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again, even after an erasure
  stream INTEGER NOT NULL REFERENCES streams(id),
  seq INTEGER NOT NULL,
  span INTEGER NOT NULL,
  type TEXT NOT NULL,
  suggestion TEXT NOT NULL,
  contributor TEXT NOT NULL,
  t_ms REAL NOT NULL,
  received_ms INTEGER NOT NULL,
  hash BLOB NOT NULL,
  payload TEXT NOT NULL,
  UNIQUE (stream, seq)
);
CREATE TABLE dead_letters (
  stream INTEGER NOT NULL REFERENCES streams(id),
  seq INTEGER NOT NULL,
  span INTEGER NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  received_ms INTEGER NOT NULL,
  hash BLOB NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (stream, seq)
);
CREATE TABLE lost (
  stream INTEGER NOT NULL REFERENCES streams(id),
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  noticed_ms INTEGER NOT NULL,
  PRIMARY KEY (stream, first_seq)
) WITHOUT ROWID;
CREATE TABLE probe (only INTEGER PRIMARY KEY CHECK (only = 1), at_ms INTEGER NOT NULL);
INSERT INTO probe VALUES (1, 0);
)",
    // 2: which exports hold something of whom.
    R"(
CREATE TABLE exports (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  file TEXT NOT NULL               -- '-' for stdout
);
CREATE TABLE export_lines (
  contributor TEXT NOT NULL,       -- pseudonym
  export INTEGER NOT NULL REFERENCES exports(id),
  lines INTEGER NOT NULL,
  PRIMARY KEY (contributor, export)
) WITHOUT ROWID;
)",
    // 3: what an export held, byte for byte; what was erased by its age. Up to expired_through the
    // rest of the row alone tells of it.
    R"(
ALTER TABLE streams ADD COLUMN expired_through INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN expired_stored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN expired_rejected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN expired_gaps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN expired_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exports ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';  -- of the lines, in hex
)"};

bool empty(Database& database) {
  return database.number("SELECT count(*) FROM sqlite_schema") == 0;
}

void refuse_foreign(Database& database) {
  if (database.number("PRAGMA application_id") != kApplicationId)
    throw StoreError(StoreFault::kUnusable,
                     "this SQLite file is not a store of Strop's; give another --store");
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version > static_cast<std::int64_t>(kMigrations.size()))
    throw StoreError(StoreFault::kUnusable, "the store is of version " + std::to_string(version) +
                                                ", this strop-collector knows up to " +
                                                std::to_string(kMigrations.size()) +
                                                "; install a newer one");
}

}  // namespace

void migrate(Database& database) {
  if (empty(database)) database.run("PRAGMA application_id = " + std::to_string(kApplicationId));
  refuse_foreign(database);
  auto version = static_cast<std::size_t>(database.number("PRAGMA user_version"));
  for (; version < kMigrations.size(); ++version) {
    Transaction transaction(database);
    database.run(kMigrations[version]);
    database.run("PRAGMA user_version = " + std::to_string(version + 1));
    transaction.commit();
  }
}

void require_current(Database& database) {
  refuse_foreign(database);
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version < static_cast<std::int64_t>(kMigrations.size()))
    throw StoreError(StoreFault::kUnusable, "the store is of the older version " +
                                                std::to_string(version) +
                                                "; `strop-collector serve` brings it up to date");
}

}  // namespace strop::collector
