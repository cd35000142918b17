// `strop-collector check`: looks a store's file through for damage, while a collector uses it or
// not.
//
// Exit code 3: it is damaged.
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {
namespace {

int run(const StoreOptions& options) {
  const std::string file = store_file(options, "check");
  store_location(options);  // it is there
  try {
    SqliteStore(file, StoreAccess::kRead).check();
  } catch (const StoreError& error) {
    if (error.fault() != StoreFault::kCorrupt) throw;
    std::cerr << error.what() << '\n';
    return kDamaged;
  }
  std::cout << file << " is whole\n";
  return kDone;
}

}  // namespace

void register_check(Commands& commands) {
  auto options = std::make_shared<StoreOptions>();
  CLI::App* command =
      commands.app.add_subcommand("check", "Looks the store's file through for damage");
  add_store_options(*command, *options);
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
