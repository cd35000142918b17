// `strop-collector check`: looks a store's file through for damage, while a collector uses it or
// not. Damaged: exit code 1.
#include <iostream>
#include <nlohmann/json.hpp>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {
namespace {

struct CheckOptions {
  StoreOptions store;
  bool json = false;
};

// What is wrong with the file; empty: nothing.
std::string damage_of(const std::string& file) {
  try {
    SqliteStore(file, StoreAccess::kRead).check();
    return "";
  } catch (const StoreError& error) {
    if (error.fault() != StoreFault::kCorrupt) throw;
    return error.what();
  }
}

int run(const CheckOptions& options) {
  const std::string file = store_file(options.store, "check");
  store_location(options.store);  // it is there
  const std::string damage = damage_of(file);
  if (options.json)
    std::cout << nlohmann::json{{"whole", damage.empty()}, {"damage", damage}}.dump() << '\n';
  else if (damage.empty())
    std::cout << file << " is whole\n";
  else
    std::cerr << "strop-collector: " << damage << '\n';
  return damage.empty() ? kDone : kFailed;
}

}  // namespace

void register_check(Commands& commands) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command =
      commands.app.add_subcommand("check", "Looks the store's file through for damage");
  add_store_options(*command, options->store);
  command->add_flag("--json", options->json, "As JSON: whole, or the damage");
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
