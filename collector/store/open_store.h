// Which store a --store names, and opening it.
//
// A location is the path of a SQLite file or the URL of a PostgreSQL database. Any thread. Errors:
// UsageError for a location that can be seen to be wrong, StoreError for a store that cannot be
// had.
#pragma once

#include <memory>
#include <string>

#include "collector/store/store.h"

namespace strop::collector {

// Whether it is the URL of a database: postgresql://USER@HOST/DATABASE.
bool is_database(const std::string& location);

// Refuses a URL that cannot be read, or that has a password in it: the list of processes and the
// logs show it to everybody.
void check_location(const std::string& location);

std::unique_ptr<Store> open_store(const std::string& location, StoreAccess access,
                                  StoreCheckup checkup = StoreCheckup::kFirst);

}  // namespace strop::collector
