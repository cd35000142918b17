// Options that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "collector/store/store.h"

namespace strop::collector {

struct StoreOptions {
  std::string config;
  std::string store;
};

void add_store_options(CLI::App& command, StoreOptions& options);

// Where the store is: the flag, or else the configuration's; UsageError if neither has one, or if
// there is no such file.
std::string store_location(const StoreOptions& options);

// The same for `command`, which works on files alone.
std::string store_file(const StoreOptions& options, const std::string& command);

std::unique_ptr<Store> open_store(const StoreOptions& options, StoreAccess access);

// Milliseconds of the Unix epoch.
std::int64_t unix_now_ms();

}  // namespace strop::collector
