#include "collector/commands/options.h"

#include <chrono>

#include "collector/config.h"
#include "collector/usage.h"

namespace strop::collector {

void add_store_options(CLI::App& command, StoreOptions& options) {
  command.add_option("--config", options.config,
                     std::string("Configuration file (default ") + kDefaultConfig + ")");
  command.add_option("--store", options.store, "The store's SQLite file");
}

std::string store_path(const StoreOptions& options) {
  std::string path = options.store.empty() ? read_config(options.config).store : options.store;
  if (path.empty())
    throw UsageError("which store? Give --store PATH.db, or set 'store' in the file");
  if (!std::filesystem::exists(path))
    throw UsageError("there is no store " + path + "; `strop-collector serve` makes one");
  return path;
}

std::int64_t unix_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace strop::collector
