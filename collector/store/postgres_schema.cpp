#include "collector/store/postgres_schema.h"

#include <array>

#include "collector/store/store.h"

namespace strop::collector {
namespace {

constexpr const char* kMigrationLock = "SELECT pg_advisory_xact_lock(6014129077331554)";

// What comes from outside is bytea: a text of PostgreSQL's holds no zero byte. Sequence numbers are
// bigint, times milliseconds of the Unix epoch. Events and dead letters refer to their stream
// without a foreign key: whoever writes them holds the lock on the stream's row already, and a
// check for each row would cost a fifth.
constexpr std::array<const char*, 2> kMigrations{
    R"(
CREATE TABLE strop.installs (
  install bytea PRIMARY KEY,
  "user" text NOT NULL,            -- name on the allow-list that it belongs to
  contributor text NOT NULL,       -- pseudonym
  quarantine text                  -- why it is shut out
);
CREATE TABLE strop.streams (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  install bytea NOT NULL REFERENCES strop.installs,
  epoch bytea NOT NULL,
  agent bytea NOT NULL,
  durable_through bigint NOT NULL DEFAULT 0,
  last_received_ms bigint NOT NULL,
  UNIQUE (install, epoch)
);
CREATE TABLE strop.events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream bigint NOT NULL,
  seq bigint NOT NULL,
  span bigint NOT NULL,
  type text NOT NULL,
  suggestion bytea NOT NULL,
  contributor text NOT NULL,
  t_ms double precision NOT NULL,
  received_ms bigint NOT NULL,
  hash bytea NOT NULL,
  payload bytea NOT NULL,          -- JSON: convert_from(payload, 'UTF8')::jsonb
  UNIQUE (stream, seq)
);
CREATE TABLE strop.dead_letters (
  stream bigint NOT NULL,
  seq bigint NOT NULL,
  span bigint NOT NULL,
  code text NOT NULL,
  reason bytea NOT NULL,
  received_ms bigint NOT NULL,
  hash bytea NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (stream, seq)
);
CREATE TABLE strop.lost (
  stream bigint NOT NULL REFERENCES strop.streams,
  first_seq bigint NOT NULL,
  last_seq bigint NOT NULL,
  noticed_ms bigint NOT NULL,
  PRIMARY KEY (stream, first_seq)
);
CREATE TABLE strop.exports (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  file text NOT NULL               -- '-' for stdout
);
CREATE TABLE strop.export_lines (
  contributor text NOT NULL,       -- pseudonym
  export bigint NOT NULL REFERENCES strop.exports,
  lines bigint NOT NULL,
  PRIMARY KEY (contributor, export)
);
CREATE TABLE strop.probe (filler bytea NOT NULL);
ALTER TABLE strop.probe ALTER filler SET STORAGE EXTERNAL;
)",
    // What was erased by its age. Up to expired_through the rest of the row alone tells of it.
    R"(
ALTER TABLE strop.streams
  ADD COLUMN expired_through bigint NOT NULL DEFAULT 0,
  ADD COLUMN expired_stored bigint NOT NULL DEFAULT 0,
  ADD COLUMN expired_rejected bigint NOT NULL DEFAULT 0,
  ADD COLUMN expired_gaps bigint NOT NULL DEFAULT 0,
  ADD COLUMN expired_lost bigint NOT NULL DEFAULT 0;
ALTER TABLE strop.exports ADD COLUMN sha256 text NOT NULL DEFAULT '';  -- of the lines, in hex
)"};

bool present(pqxx::work& work) {
  return work.exec1("SELECT to_regclass('strop.version') IS NOT NULL")[0].as<bool>();
}

std::size_t version_in(pqxx::work& work) {
  const auto version = work.exec1("SELECT version FROM strop.version")[0].as<std::size_t>();
  if (version > kMigrations.size())
    throw StoreError(StoreFault::kUnusable, "the store is of version " + std::to_string(version) +
                                                ", this strop-collector knows up to " +
                                                std::to_string(kMigrations.size()) +
                                                "; install a newer one");
  return version;
}

[[noreturn]] void refuse_empty() {
  throw StoreError(StoreFault::kUnusable,
                   "this database has no store of Strop's; `strop-collector serve` makes one");
}

}  // namespace

void migrate(pqxx::connection& database, bool create) {
  pqxx::work work(database);
  work.exec(kMigrationLock);
  if (!present(work)) {
    if (!create) refuse_empty();
    if (work.exec1("SHOW server_encoding")[0].as<std::string>() != "UTF8")
      throw StoreError(StoreFault::kUnusable,
                       "the database is not of encoding UTF8; make it with `createdb -E UTF8`");
    work.exec(
        "CREATE SCHEMA IF NOT EXISTS strop; CREATE TABLE strop.version (version bigint NOT NULL);"
        " INSERT INTO strop.version VALUES (0)");
  }
  const std::size_t before = version_in(work);
  for (std::size_t next = before; next < kMigrations.size(); ++next) work.exec(kMigrations[next]);
  if (before < kMigrations.size())
    work.exec("UPDATE strop.version SET version = " + std::to_string(kMigrations.size()));
  work.commit();
}

void require_current(pqxx::connection& database) {
  pqxx::work work(database);
  if (!present(work)) refuse_empty();
  const std::size_t version = version_in(work);
  if (version < kMigrations.size())
    throw StoreError(StoreFault::kUnusable, "the store is of the older version " +
                                                std::to_string(version) +
                                                "; `strop-collector serve` brings it up to date");
}

}  // namespace strop::collector
