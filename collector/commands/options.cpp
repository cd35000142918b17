#include "collector/commands/options.h"

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

}  // namespace strop::collector
