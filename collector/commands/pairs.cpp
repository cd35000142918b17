// `strop-collector pairs`: what the events make of pairs, and why the rest makes none. Writes
// nothing: pairs are derived from the events each time, so that what is erased is gone from them.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "collector/commands/commands.h"
#include "collector/commands/harvest.h"

namespace strop::collector {
namespace {

struct PairsOptions {
  HarvestFlags harvest;
  bool json = false;
};

using Counts = std::map<std::string, std::uint64_t>;

nlohmann::json to_json(const HarvestRun& run) {
  const HarvestReport& report = run.report();
  return {{"suggestions", report.suggestions},
          {"unreadable", run.unreadable()},
          {"pairs", report.pairs},
          {"discards", report.discards},
          {"languages", report.languages},
          {"examples", {{"wanted", report.wanted}, {"unwanted", report.unwanted}}},
          {"contributors", report.contributors},
          {"split",
           {{"by", to_word(report.split_by)},
            {"share", report.heldout_share},
            {"groups", report.groups},
            {"documents", report.documents},
            {"train", report.train},
            {"heldout", report.heldout}}}};
}

// The most frequent first.
void print(const Counts& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> rows(counts.begin(), counts.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [name, count] : rows) std::cout << "  " << count << "  " << name << '\n';
}

void print_split(const HarvestReport& report) {
  std::cout << report.train << " to train on, " << report.heldout << " held out";
  switch (report.split_by) {
    case SplitBy::kRepository:
      std::cout << ", by contributor and repository (" << report.groups << ")\n";
      return;
    case SplitBy::kDocument:
      std::cout << ", by document (" << report.documents << "): only " << report.groups
                << " contributors × repositories, below the " << SplitChooser::kEnough
                << " that a split by them needs\n";
      return;
    case SplitBy::kNone:
      std::cout << ": only " << report.documents << " documents, below the "
                << SplitChooser::kEnough << " that a split needs\n";
  }
}

void print(const HarvestRun& run) {
  const HarvestReport& report = run.report();
  std::cout << report.all_pairs() << " pairs of " << report.suggestions << " suggestions by "
            << report.contributors << " contributors\n";
  print(report.pairs);
  if (!report.languages.empty()) std::cout << "languages\n";
  print(report.languages);
  if (!report.discards.empty()) std::cout << "no pair, because\n";
  print(report.discards);
  std::cout << report.wanted << " unpaired examples of what was wanted, " << report.unwanted
            << " of what was not\n";
  print_split(report);
  if (run.unreadable() > 0)
    std::cout << run.unreadable() << " events that this version cannot read\n";
}

int run(const PairsOptions& options) {
  const HarvestRun run(options.harvest);
  if (options.json)
    std::cout << to_json(run).dump(2) << '\n';
  else if (run.empty())
    std::cout << "The store is empty: no events have arrived. `strop-agent doctor` on a "
                 "developer's machine says why.\n";
  else
    print(run);
  return kDone;
}

}  // namespace

void register_pairs(Commands& commands) {
  auto options = std::make_shared<PairsOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "pairs", "Counts the preference pairs that the events make, and says why the rest make none");
  add_harvest_options(*command, options->harvest);
  command->add_flag("--json", options->json, "As JSON");
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
