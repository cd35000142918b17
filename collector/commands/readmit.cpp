// `strop-collector readmit`: takes events of an install again that was shut out as a cloned
// machine.
//
// Whoever calls it has looked: the copy counts as a machine of its own from now on (`strop-agent
// new-install` there), or the two would be at odds again.
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"

namespace strop::collector {
namespace {

struct ReadmitOptions {
  StoreOptions store;
  std::string install;
};

int run(const ReadmitOptions& options) {
  const auto install = schema::wire_id_from_hex(options.install);
  if (!install) throw UsageError("INSTALL is 32 hexadecimal digits, as `ledger` prints them");
  const auto store = open_store(options.store, StoreAccess::kWrite);
  if (!store->readmit(*install))
    throw UsageError("install " + options.install +
                     " is not shut out in this store; `ledger` says who is");
  std::cout
      << "install " << options.install
      << " is taken again, at its agents' next try (within a minute).\n"
         "Run `strop-agent new-install` on the machine that is the copy, if that was not done "
         "yet;\nif this install is shut out again, on the other one too.\n";
  return kDone;
}

}  // namespace

void register_readmit(Commands& commands) {
  auto options = std::make_shared<ReadmitOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "readmit", "Takes events of an install again that was shut out as a cloned machine");
  add_store_options(*command, options->store);
  command->add_option("install", options->install, "32 hexadecimal digits, from `ledger`")
      ->required();
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
