// `strop-collector ledger`: what arrived of every install, and whether it adds up.
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"

namespace strop::collector {
namespace {

using schema::to_hex;

struct LedgerOptions {
  StoreOptions store;
  std::string install;
  bool json = false;
};

struct InstallLedger {
  LedgerRow sum;
  std::size_t streams = 0;
};

void add(InstallLedger& total, const LedgerRow& row) {
  LedgerRow& sum = total.sum;
  sum.key.install = row.key.install;
  sum.contributor = row.contributor;
  sum.agent = row.agent;
  sum.through += row.through;
  sum.stored += row.stored;
  sum.rejected += row.rejected;
  sum.gaps += row.gaps;
  sum.lost += row.lost;
  sum.expired += row.expired;
  sum.last_received_ms = std::max(sum.last_received_ms, row.last_received_ms);
  sum.quarantine = row.quarantine;
  ++total.streams;
}

nlohmann::json figures(const LedgerRow& row) {
  return {{"captured", row.through},   {"acked", row.stored}, {"rejected", row.rejected},
          {"gaps", row.gaps},          {"lost", row.lost},    {"expired", row.expired},
          {"balanced", row.balanced()}};
}

nlohmann::json to_json(const InstallLedger& install) {
  nlohmann::json out = figures(install.sum);
  out["install"] = to_hex(install.sum.key.install);
  out["contributor"] = install.sum.contributor;
  out["agent"] = install.sum.agent;
  out["streams"] = install.streams;
  out["last_received_ms"] = install.sum.last_received_ms;
  if (install.sum.quarantine) out["quarantine"] = *install.sum.quarantine;
  return out;
}

void print(const InstallLedger& install) {
  const LedgerRow& row = install.sum;
  std::cout << "install " << to_hex(row.key.install) << "  contributor " << row.contributor
            << "\n  " << row.through << " captured = " << row.stored << " acked + " << row.rejected
            << " rejected + " << row.gaps << " gaps + " << row.lost << " lost"
            << (row.balanced() ? "" : "   DOES NOT BALANCE") << '\n';
  if (row.expired > 0) std::cout << "  " << row.expired << " of them were erased by their age\n";
  if (row.quarantine) std::cout << "  quarantined: " << *row.quarantine << '\n';
}

int run(const LedgerOptions& options) {
  std::optional<schema::WireId> only;
  if (!options.install.empty()) {
    only = schema::wire_id_from_hex(options.install);
    if (!only) throw UsageError("--install takes 32 hexadecimal digits, as `ledger` prints them");
  }
  const auto store = open_store(options.store, StoreAccess::kRead);
  std::map<schema::WireId, InstallLedger> installs;
  InstallLedger total;
  for (const LedgerRow& row : store->ledger(only)) {
    add(installs[row.key.install], row);
    add(total, row);
  }
  if (only && installs.empty())
    throw UsageError("no install " + options.install + " in this store");
  if (options.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& [id, install] : installs) list.push_back(to_json(install));
    std::cout << nlohmann::json{{"installs", list}, {"total", figures(total.sum)}}.dump(2) << '\n';
  } else {
    for (const auto& [id, install] : installs) print(install);
    std::cout << installs.size() << " installs, " << total.sum.through << " captured, "
              << total.sum.stored << " acked\n";
  }
  return total.sum.balanced() ? kDone : kFailed;
}

}  // namespace

void register_ledger(Commands& commands) {
  auto options = std::make_shared<LedgerOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "ledger", "What arrived of every install: captured = acked + rejected + gaps + lost");
  add_store_options(*command, options->store);
  command->add_option("--install", options->install, "Only this install (32 hexadecimal digits)");
  command->add_flag("--json", options->json, "As JSON");
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
