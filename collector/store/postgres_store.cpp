#include "collector/store/postgres_store.h"

#include "collector/store/postgres_location.h"
#include "collector/store/postgres_schema.h"
#include "collector/store/postgres_values.h"

namespace strop::collector {
namespace {

std::string setting(pqxx::transaction_base& work, const std::string& name) {
  return work.exec1("SHOW " + name)[0].as<std::string>();
}

}  // namespace

PostgresStore::PostgresStore(const std::string& url, StoreAccess access)
    : access_(access),
      link_(connection_url(url, access != StoreAccess::kRead),
            [this](pqxx::connection& connection) { greet(connection); }) {
  link_.with([](pqxx::connection&) { return 0; });  // what is wrong is said now
}

// What makes an acknowledgement true, and a collector that hangs let others go on.
void PostgresStore::greet(pqxx::connection& connection) const {
  if (access_ == StoreAccess::kRead)
    require_current(connection);
  else
    migrate(connection, access_ == StoreAccess::kReceiver);
  pqxx::nontransaction work(connection);
  work.exec(
      "SET search_path = strop; SET client_encoding = 'UTF8'; SET lock_timeout = '5s';"
      " SET client_min_messages = warning; SET idle_in_transaction_session_timeout = '30s'");
  if (access_ == StoreAccess::kRead) {
    work.exec("SET idle_in_transaction_session_timeout = 0");  // pairs may take long to make
    return;
  }
  // Where the server has it (from 14 on, mostly): the older way takes longer than all else that a
  // large event costs.
  work.exec(
      "SELECT set_config(name, 'lz4', false) FROM pg_settings"
      " WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)");
  // A checkpoint syncs what we have written and nobody has begun to put on disk, all at once, and
  // every commit waits for it, a fifth of a second and more. What the administrator has set stays.
  work.exec(
      "SELECT set_config(name, '256kB', false) FROM pg_settings"
      " WHERE name = 'backend_flush_after' AND setting = '0' AND max_val <> '0'");
  const std::string promise = setting(work, "synchronous_commit");
  if (promise == "off" || promise == "local") work.exec("SET synchronous_commit = on");
  if (setting(work, "fsync") != "on" || setting(work, "full_page_writes") != "on")
    throw StoreError(
        StoreFault::kUnusable,
        "this PostgreSQL runs with fsync or full_page_writes off, so a power cut could "
        "take what was acknowledged; turn both on in postgresql.conf");
}

// Before anything is written: what a transaction that is rolled back has written takes room too.
void PostgresStore::require_room(pqxx::transaction_base& work, std::uint64_t bytes) const {
  if (size_limit_ <= 0) return;
  const auto size = work.exec1(
                            "SELECT pg_total_relation_size('events') +"
                            " pg_total_relation_size('dead_letters')")[0]
                        .as<std::int64_t>();
  if (size + static_cast<std::int64_t>(bytes) > size_limit_)
    throw StoreError(StoreFault::kFull, "the store has reached its limit of " +
                                            std::to_string(size_limit_ >> 20) +
                                            " MiB; raise --max-store-mib, or erase and VACUUM");
}

void PostgresStore::probe(std::uint64_t bytes) {
  link_.with([&](pqxx::connection& connection) {
    {
      pqxx::work work(connection);
      require_room(work, bytes);
      work.exec_params(
          "INSERT INTO probe SELECT decode(repeat('00', 1024), 'hex')"
          " FROM generate_series(0, $1::bigint / 1024)",
          bytes);
      work.commit();
    }
    pqxx::work work(connection);
    work.exec("TRUNCATE probe");
    work.commit();
    return 0;
  });
}

}  // namespace strop::collector
