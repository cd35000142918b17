// Options that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace strop::collector {

struct StoreOptions {
  std::string config;
  std::string store;
};

void add_store_options(CLI::App& command, StoreOptions& options);

// The store's path: the flag, or else the configuration's; UsageError if neither has one, or if
// there is no such file.
std::string store_path(const StoreOptions& options);

// Milliseconds of the Unix epoch.
std::int64_t unix_now_ms();

}  // namespace strop::collector
