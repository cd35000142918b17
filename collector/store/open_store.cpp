#include "collector/store/open_store.h"

#include "collector/store/postgres_location.h"
#include "collector/store/postgres_store.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {

bool is_database(const std::string& location) {
  return location.starts_with("postgresql://") || location.starts_with("postgres://");
}

void check_location(const std::string& location) {
  if (is_database(location)) check_database_url(location);
}

std::unique_ptr<Store> open_store(const std::string& location, StoreAccess access,
                                  StoreCheckup checkup) {
  check_location(location);
  if (is_database(location)) return std::make_unique<PostgresStore>(location, access);
  return std::make_unique<SqliteStore>(location, access, checkup);
}

}  // namespace strop::collector
