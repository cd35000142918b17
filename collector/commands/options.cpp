#include "collector/commands/options.h"

#include <chrono>

#include "collector/config.h"
#include "collector/store/open_store.h"
#include "collector/usage.h"

namespace strop::collector {

void add_store_options(CLI::App& command, StoreOptions& options) {
  command.add_option("--config", options.config,
                     std::string("Configuration file (default ") + kDefaultConfig + ")");
  command.add_option("--store", options.store,
                     "The store: a SQLite file, or postgresql://USER@HOST/DATABASE");
}

namespace {

std::string given_location(const StoreOptions& options) {
  std::string location = options.store.empty() ? read_config(options.config).store : options.store;
  if (location.empty())
    throw UsageError("which store? Give --store PATH.db, or set 'store' in the file");
  check_location(location);
  return location;
}

}  // namespace

std::string store_location(const StoreOptions& options) {
  std::string location = given_location(options);
  if (!is_database(location) && !std::filesystem::exists(location))
    throw UsageError("there is no store " + location + "; `strop-collector serve` makes one");
  return location;
}

std::string store_file(const StoreOptions& options, const std::string& command) {
  std::string location = given_location(options);
  if (is_database(location))
    throw UsageError(command +
                     " is for SQLite stores; use PostgreSQL's own pg_dump and pg_restore");
  return location;
}

std::unique_ptr<Store> open_store(const StoreOptions& options, StoreAccess access) {
  return open_store(store_location(options), access);
}

std::int64_t unix_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace strop::collector
