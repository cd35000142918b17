// `strop-collector forget`: erases what an install or a contributor sent, so that it stays erased.
//
// In the events' place stands a gap over all their sequence numbers: the ledger still adds up, and
// what an agent sends again is known and not stored.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/commands/training_runs.h"

namespace strop::collector {
namespace {

struct ForgetOptions {
  StoreOptions store;
  std::string install;
  std::string contributor;
  std::vector<std::string> runs;
  bool sure = false;
  bool json = false;
};

std::vector<schema::WireId> installs_of(Store& store, const ForgetOptions& options) {
  std::optional<schema::WireId> only;
  if (!options.install.empty()) {
    only = schema::wire_id_from_hex(options.install);
    if (!only) throw UsageError("--install takes 32 hexadecimal digits, as `ledger` prints them");
  }
  std::set<schema::WireId> found;
  for (const LedgerRow& row : store.ledger(only))
    if (only || row.contributor == options.contributor) found.insert(row.key.install);
  if (found.empty())
    throw UsageError("this store has nothing of " +
                     (only ? "install " + options.install : "contributor " + options.contributor) +
                     "; `ledger` lists who it has");
  return {found.begin(), found.end()};
}

// Runs that were trained on one of these exports.
std::vector<std::string> runs_with(const std::vector<ExportRecord>& exports,
                                   const std::vector<std::string>& folders) {
  std::set<std::string> hashes;
  for (const ExportRecord& record : exports)
    if (!record.sha256.empty()) hashes.insert(record.sha256);
  std::vector<std::string> out;
  for (const std::string& folder : folders)
    for (const TrainingRun& run : training_runs(folder))
      if (hashes.contains(run.pairs_sha256)) out.push_back(run.folder);
  return out;
}

nlohmann::json to_json(const Forgotten& forgotten, std::size_t installs,
                       const std::vector<std::string>& runs) {
  nlohmann::json exports = nlohmann::json::array();
  for (const ExportRecord& record : forgotten.exports)
    exports.push_back({{"at_ms", record.at_ms},
                       {"file", record.file},
                       {"lines", record.lines},
                       {"sha256", record.sha256}});
  return {{"installs", installs},
          {"streams", forgotten.streams},
          {"events", forgotten.events},
          {"dead_letters", forgotten.dead_letters},
          {"log_cleared", forgotten.log_cleared},
          {"exports", exports},
          {"runs", runs}};
}

void print(const Forgotten& forgotten, std::size_t installs, const ForgetOptions& options,
           const std::vector<std::string>& runs) {
  std::cout << "erased " << forgotten.events << " events and " << forgotten.dead_letters
            << " dead letters of " << installs << " installs\n";
  if (!forgotten.log_cleared) std::cout << forgotten.remains << '\n';
  if (!forgotten.exports.empty())
    std::cout << "exports made before still hold them; delete these, and train again what was "
                 "trained on them:\n";
  for (const ExportRecord& record : forgotten.exports)
    std::cout << "  " << record.file << "  (" << record.lines << " lines of theirs, sha256 "
              << (record.sha256.empty() ? "not known" : record.sha256) << ")\n";
  for (const std::string& run : runs) std::cout << "  " << run << "  was trained on one of them\n";
  if (!forgotten.exports.empty() && options.runs.empty())
    std::cout << "Which runs those are --runs DIR tells, of the folder that they are in.\n";
  std::cout << "Backups made before hold them too. New events are still taken; `keys revoke` ends "
               "that.\n";
}

int run(const ForgetOptions& options) {
  for (const std::string& folder : options.runs)
    if (!std::filesystem::is_directory(folder))
      throw UsageError("--runs " + folder + " is no folder; give the one that adapters are in");
  if (options.install.empty() == options.contributor.empty())
    throw UsageError("forget whom? Give --install ID or --contributor PSEUDONYM, one of them");
  const auto store = open_store(options.store, StoreAccess::kWrite);
  const auto installs = installs_of(*store, options);
  if (!options.sure)
    throw UsageError("this erases all that " + std::to_string(installs.size()) +
                     " installs sent and cannot be undone; say --yes as well");
  const Forgotten forgotten = store->forget(installs, unix_now_ms());
  const auto runs = runs_with(forgotten.exports, options.runs);
  if (options.json)
    std::cout << to_json(forgotten, installs.size(), runs).dump(2) << '\n';
  else
    print(forgotten, installs.size(), options, runs);
  return kDone;
}

}  // namespace

void register_forget(Commands& commands) {
  auto options = std::make_shared<ForgetOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "forget", "Erases what an install or a contributor sent, so that it stays erased");
  add_store_options(*command, options->store);
  command->add_option("--install", options->install, "32 hexadecimal digits, from `ledger`");
  command->add_option("--contributor", options->contributor, "The pseudonym, from `ledger`");
  command->add_option("--runs", options->runs,
                      "Folder of training runs, to tell which were trained on them; repeatable");
  command->add_flag("--yes", options->sure, "Without it nothing is erased");
  command->add_flag("--json", options->json, "As JSON");
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
