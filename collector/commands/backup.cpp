// `strop-collector backup`: a consistent copy of the store, while the collector runs.
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {
namespace {

struct BackupOptions {
  StoreOptions store;
  std::string to;
};

std::string existing(const StoreOptions& options) {
  store_file(options, "backup");
  return store_location(options);
}

int run(const BackupOptions& options) {
  SqliteStore store(existing(options.store), StoreAccess::kRead);
  store.backup(options.to);
  std::cout << "wrote " << options.to
            << "; keep the key files as well (.pseudonym.key, .split.key), apart from it\n";
  return kDone;
}

}  // namespace

void register_backup(Commands& commands) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "backup", "Copies the store into a new file, while the collector runs");
  add_store_options(*command, options->store);
  command->add_option("--to", options->to, "The new file")->required();
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
