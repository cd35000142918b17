// `strop-collector restore`: a backup becomes a store again, under a name that is free.
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {
namespace {

struct RestoreOptions {
  StoreOptions store;
  std::string from;
};

std::string target(const RestoreOptions& options) {
  std::string path = store_file(options.store, "restore");
  // A log left by another store would be taken for this one's.
  for (const char* part : {"", "-wal", "-shm"})
    if (std::filesystem::exists(path + part))
      throw UsageError(path + part +
                       " exists already; restore never overwrites: move it away first, or give "
                       "another --store");
  return path;
}

int run(const RestoreOptions& options) {
  const std::string to = target(options);
  if (!std::filesystem::exists(options.from))
    throw UsageError("there is no backup " + options.from);
  SqliteStore backup(options.from, StoreAccess::kRead);
  backup.check();
  backup.backup(to);
  std::uint64_t events = 0;
  const auto streams = SqliteStore(to, StoreAccess::kRead).ledger(std::nullopt);
  for (const LedgerRow& row : streams) events += row.stored;
  std::cout << "restored " << events << " events of " << streams.size() << " streams to " << to
            << "; agents send again what came after the backup and is still on their disks.\n"
               "The key files beside the old store (.pseudonym.key, .split.key) belong beside this "
               "one too.\n";
  return kDone;
}

}  // namespace

void register_restore(Commands& commands) {
  auto options = std::make_shared<RestoreOptions>();
  CLI::App* command =
      commands.app.add_subcommand("restore", "Makes a store of a backup, under a free name");
  add_store_options(*command, options->store);
  command->add_option("--from", options->from, "The backup")->required();
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
