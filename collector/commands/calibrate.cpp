// `strop-collector calibrate`: from what became of the team's suggestions, when to stay silent.
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/quality/silence_fit.h"

namespace strop::collector {
namespace {

using nlohmann::json;

struct CalibrateOptions {
  StoreOptions store;
  std::string out;
  std::string model;
  SilenceNeeds needs;
};

std::vector<Trial> read_trials(const CalibrateOptions& options) {
  const auto store = open_store(options.store, StoreAccess::kRead);
  std::vector<Trial> trials;
  HistoryBuilder builder;
  store->scan_suggestions([&](const std::vector<StoredEvent>& events) {
    for (const StoredEvent& event : events)
      builder.add(event.name(), schema::to_hex(event.key.epoch), event.contributor, event.payload);
    for (const SuggestionHistory& history : builder.take()) {
      auto trial = trial_of(history);
      if (trial && (options.model.empty() || trial->model == options.model))
        trials.push_back(std::move(*trial));
    }
    return true;
  });
  return trials;
}

json to_json(const Expected& expected) {
  return {
      {"shown", expected.shown}, {"acceptance", expected.acceptance}, {"reward", expected.reward}};
}

json to_json(const Calibration& calibration) {
  json out = schema::silence_to_json(calibration.rule);
  out["break_even"] = schema::kBreakEven;
  out["expected"] = {{"always", to_json(calibration.always)},
                     {"threshold", to_json(calibration.threshold)},
                     {"head", to_json(calibration.head)}};
  out["data"] = {{"outcomes", calibration.trials},   {"taken", calibration.taken},
                 {"explored", calibration.explored}, {"from_ms", calibration.from_ms},
                 {"to_ms", calibration.to_ms},       {"models", calibration.models}};
  return out;
}

// Whole or not at all: agents may read it at any time.
void write(const std::string& path, const json& what) {
  const std::string making = path + ".new";
  std::ofstream file(making);
  file << what.dump(2) << '\n';
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(making, path, error);
  if (file && !error) return;
  std::filesystem::remove(making, error);
  throw std::runtime_error("cannot write " + path);
}

void print(const char* name, const Expected& expected) {
  std::cout << "  " << std::left << std::setw(11) << name << std::right << std::fixed
            << std::setprecision(3) << std::setw(7) << expected.shown << std::setw(12)
            << expected.acceptance << std::setw(10) << expected.reward << '\n';
}

int run(const CalibrateOptions& options) {
  const std::vector<Trial> trials = read_trials(options);
  const auto calibration = calibrate_silence(trials, options.needs);
  if (!calibration)
    throw std::runtime_error(calibration.error() +
                             " (they come from [provider] in mode full, of servers that tell "
                             "log-probabilities)");
  write(options.out, to_json(*calibration));
  std::cout << calibration->trials << " outcomes, " << calibration->taken << " taken, "
            << calibration->explored << " let through to explore\n";
  for (const auto& [model, count] : calibration->models)
    std::cout << "  " << count << "  " << (model.empty() ? "(no name)" : model) << '\n';
  if (calibration->models.size() > 1)
    std::cout << "of several models, whose log-probabilities may differ: --model takes one\n";
  std::cout << "threshold " << std::fixed << std::setprecision(3) << calibration->rule.threshold
            << " of log-probability + 2 ln(1 + characters)\n\n"
            << "  expected     shown  acceptance    reward   (on documents left out of the fit)\n";
  print("always", calibration->always);
  print("threshold", calibration->threshold);
  print("head", calibration->head);
  std::cout << "written to " << options.out << ": silence_file of [provider]\n";
  return kDone;
}

}  // namespace

void register_calibrate(Commands& commands) {
  auto options = std::make_shared<CalibrateOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "calibrate", "Finds when suggestions are worth showing, for silence_file of agent.toml");
  add_store_options(*command, options->store);
  command->add_option("--out", options->out, "File to write, such as silence.json")->required();
  command->add_option("--model", options->model, "Outcomes of this model alone");
  command
      ->add_option("--min-outcomes", options->needs.trials, "Refuse to fit to fewer (default 200)")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--min-taken", options->needs.taken,
                   "Refuse to fit to fewer that were taken (default 20)")
      ->check(CLI::PositiveNumber);
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
