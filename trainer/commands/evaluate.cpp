#include "trainer/evaluate.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/command.h"
#include "trainer/data.h"
#include "trainer/device.h"
#include "trainer/kept_text.h"
#include "trainer/loaded_model.h"
#include "trainer/settings.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Options {
  std::string model;
  std::string adapter;
  std::string reference;
  std::string pairs;
  std::string positions;
  std::string json_file;
  std::string against;
  std::string completions;
  std::int64_t context = 0;
  std::int64_t max_tokens = 24;
  std::optional<int> threads;
  std::optional<std::string> device;
  std::optional<std::string> precision;
  std::string config;
};

template <class T>
T must(tl::expected<T, std::string> result) {
  if (!result) throw std::runtime_error(result.error());
  return std::move(*result);
}

bool has_counts(const json& file) {
  for (const char* name : {"positions", "suggestions", "accepted", "kept"})
    if (!file.contains(name) || !file[name].is_number_integer()) return false;
  return true;
}

bool is_positions(const json& measured) {
  const json files = measured.is_object() ? measured.value("by_file", json()) : json();
  return files.is_object() && std::all_of(files.begin(), files.end(), [](const json& file) {
           return file.is_object() && has_counts(file);
         });
}

bool is_pairs(const json& measured) {
  const json right = measured.is_object() ? measured.value("right", json()) : json();
  return right.is_array() &&
         std::all_of(right.begin(), right.end(), [](const json& one) { return one.is_number(); });
}

// Looked at before anything is measured, which takes its time.
json read_measures(const Options& options) {
  const std::string& file = options.against;
  if (file.empty()) return {};
  std::ifstream in(file);
  json out = json::parse(in, nullptr, false);
  if (!in.is_open() || !out.is_object())
    throw std::runtime_error(file + " is no measurement: --against wants what --json wrote");
  const auto want = [&](bool holds, const char* what) {
    if (!holds)
      throw std::runtime_error(file + " holds no measurement of --" + what +
                               ": write one with --json and the same --" + what);
  };
  want(options.positions.empty() || is_positions(out.value("positions", json())), "positions");
  want(options.pairs.empty() || is_pairs(out.value("pairs", json())), "pairs");
  return out;
}

void must_be_writable(const std::string& flag, const std::string& file) {
  if (file.empty()) return;
  const fs::path folder = fs::absolute(file).parent_path();
  if (!fs::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0)
    throw std::invalid_argument(flag + " " + file + ": " + folder.string() +
                                " is no folder that you may write to; name another");
}

std::vector<schema::PreferencePair> heldout_pairs(const std::string& file) {
  std::vector<schema::PreferencePair> pairs = must(read_pairs(file));
  const std::size_t all = pairs.size();
  std::erase_if(pairs, [](const schema::PreferencePair& pair) { return pair.split != "heldout"; });
  if (pairs.empty())
    throw std::runtime_error(
        "none of the " + std::to_string(all) + " pairs in " + file +
        " is held out to measure on: export with --split all; if it was, they came from fewer "
        "than the 20 documents that a split needs (`strop-collector pairs` says), so collect more");
  return pairs;
}

// What --reference names, if anything. It scores the model's own tokens.
std::optional<LoadedModel> load_reference(const Options& options, const LoadedModel& model) {
  if (options.reference.empty()) return std::nullopt;
  const bool half = model.decoder.computes_in() == torch::kBFloat16;
  LoadedModel reference = load_model(options.reference, "", device_of(model.decoder),
                                     half ? Precision::kBfloat16 : Precision::kFloat32);
  if (reference.tokenizer.vocab_size() != model.tokenizer.vocab_size())
    throw std::invalid_argument("--reference " + options.reference +
                                " has another vocabulary than the model: give the base that the "
                                "model was honed from");
  return reference;
}

json measure_on_pairs(const Options& options, LoadedModel& model, const EvaluateOptions& how) {
  std::optional<LoadedModel> reference = load_reference(options, model);
  const PairMeasures pairs =
      measure_pairs(model.decoder, model.tokenizer, heldout_pairs(options.pairs), how,
                    reference ? &reference->decoder : nullptr);
  json out = {{"n", pairs.right.size()},
              {"preference_accuracy", pairs.accuracy()},
              {"margin", pairs.margin},
              {"chosen_logp", pairs.chosen_logp},
              {"rejected_logp", pairs.rejected_logp},
              {"right", pairs.right},
              {"reference", nullptr}};  // its own: every pair is a tie
  if (!options.adapter.empty()) out["reference"] = "without adapter";
  if (reference) out["reference"] = options.reference;
  return out;
}

void print_ratio(const std::string& name, const json& ratio) {
  std::printf("%-28s %8.3f -> %8.3f   x %.3f [%.3f, %.3f]\n", name.c_str(),
              ratio["before"].get<double>(), ratio["after"].get<double>(),
              ratio["ratio"].get<double>(), ratio["ci95"][0].get<double>(),
              ratio["ci95"][1].get<double>());
}

void print_tally(const std::string& name, const json& tally) {
  std::printf("%-12s %9lld %11lld %8.2f %% %8.3f %8.2f %% %9.3f %8.2f\n", name.c_str(),
              tally["positions"].get<long long>(), tally["suggestions"].get<long long>(),
              100 * tally["acceptance_rate"].get<double>(),
              tally["kept_chars_per_suggestion"].get<double>(),
              100 * tally["exact_match"].get<double>(), tally["edit_similarity"].get<double>(),
              tally["length_ratio"].get<double>());
}

void print_pairs(const json& pairs) {
  std::printf("%lld held-out pairs: ", pairs["n"].get<long long>());
  if (pairs["reference"].is_null())
    std::printf(
        "nothing to compare with, so no preference to tell: give --adapter, or --reference with "
        "the base of a merged model\n");
  else
    std::printf("%.1f %% preferred as the developer did, margin %.3f nats\n",
                100 * pairs["preference_accuracy"].get<double>(), pairs["margin"].get<double>());
  std::printf("log-prob a token: chosen %.3f, rejected %.3f\n", pairs["chosen_logp"].get<double>(),
              pairs["rejected_logp"].get<double>());
}

void print(const json& out) {
  if (out.contains("positions")) {
    std::printf("%-12s %9s %11s %10s %8s %10s %9s %8s\n", "", "positions", "suggestions",
                "accepted", "kept", "exact", "edit sim", "length");
    print_tally("all", out["positions"]);
    for (const auto& [name, tally] : out["positions"]["strata"].items()) print_tally(name, tally);
  }
  if (out.contains("pairs")) print_pairs(out["pairs"]);
  if (out.contains("against"))
    for (const auto& [name, ratio] : out["against"].items())
      if (ratio.is_object()) print_ratio(name, ratio);
}

// A line a position, in their order.
void write_completions(const std::string& file, const std::vector<Position>& positions,
                       const std::vector<std::string>& suggestions) {
  std::string lines;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const Kept kept = kept_of(suggestions[i], positions[i].truth);
    lines += json{{"file", positions[i].file},
                  {"stratum", positions[i].stratum},
                  {"suggestion", suggestions[i]},
                  {"kept", kept.characters},
                  {"accepted", kept.accepted && !suggestions[i].empty()}}
                 .dump(-1, ' ', false, json::error_handler_t::replace) +
             "\n";
  }
  write_file(file, lines);
}

// What another precision rounds is not what an adapter changes.
void must_be_alike(const std::string& file, const json& before, const std::string& type) {
  const std::string then = before.value("precision", "float32");
  if (then != type)
    throw std::invalid_argument("--against " + file + " was measured in " + then +
                                ", and this would be in " + type + ": give --precision " + then);
}

json measure(const Options& options, const Settings& settings) {
  const json before = read_measures(options);
  const std::string folder = model_folder(options.model, settings);
  LoadedModel model =
      load_model(folder, options.adapter, choose_device(options.device.value_or(settings.device)),
                 model_precision(options.precision, settings));
  const std::string type = type_name(model.decoder.computes_in());
  if (!before.is_null()) must_be_alike(options.against, before, type);
  EvaluateOptions how;
  how.family = model.family;
  how.context = options.context > 0 ? options.context : model.decoder.config().max_positions;
  how.max_tokens = options.max_tokens;
  how.threads = worker_count(device_of(model.decoder),
                             thread_count(options.threads.value_or(settings.threads)));
  if (how.context > model.decoder.config().max_positions || how.context <= how.max_tokens + 8)
    throw std::invalid_argument(
        "--context must leave room for a prompt beside --max-tokens, within the model's " +
        std::to_string(model.decoder.config().max_positions) + " positions");
  json out = {{"model", folder}, {"adapter", options.adapter}, {"precision", type}};
  if (!options.positions.empty()) {
    const std::vector<Position> positions = must(read_positions(options.positions));
    const PositionMeasures measured =
        measure_positions(model.decoder, model.tokenizer, positions, how);
    out["positions"] = to_json(measured);
    if (!options.completions.empty())
      write_completions(options.completions, positions, measured.suggestions);
  }
  if (!options.pairs.empty()) out["pairs"] = measure_on_pairs(options, model, how);
  if (options.against.empty()) return out;
  out["against"] = {{"file", options.against}};
  if (out.contains("positions"))
    out["against"].update(must(compare_positions(before["positions"], out["positions"])));
  if (out.contains("pairs") && !out["pairs"]["reference"].is_null())
    out["against"].update(must(compare_pairs(before["pairs"], out["pairs"])));
  return out;
}

}  // namespace

void register_evaluate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "evaluate", "measure a model, with or without an adapter, on what it never saw");
  command->add_option("--model", options->model, "model folder");
  command->add_option("--adapter", options->adapter, "adapter folder");
  command->add_option("--reference", options->reference,
                      "model folder that --pairs are compared with (default: the model without "
                      "its adapter)");
  command->add_option("--positions", options->positions,
                      "places in files: JSON lines {file, prefix, suffix, truth, stratum}");
  command->add_option("--pairs", options->pairs,
                      "pairs of strop-collector export; the held-out ones count");
  command->add_option("--json", options->json_file, "write the measurement here");
  command->add_option("--completions", options->completions,
                      "write what is suggested at each position here: JSON lines {file, stratum, "
                      "suggestion, kept, accepted}");
  command->add_option("--against", options->against,
                      "a measurement (--json) to compare with, with 95 % intervals by file");
  command->add_option("--context", options->context,
                      "tokens of prompt and completion (0: the model's positions)");
  command->add_option("--max-tokens", options->max_tokens, "tokens of a completion")
      ->check(CLI::Range(1, 4096));
  command->add_option("--threads", options->threads, "threads to compute with (0: every core)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--device", options->device, kDeviceHelp);
  command->add_option("--precision", options->precision, kPrecisionHelp);
  command->add_option("--config", options->config, kConfigHelp);
  command->callback([options, &action] {
    action = [options] {
      if (options->positions.empty() && options->pairs.empty())
        throw std::invalid_argument("what to measure on? Give --positions, --pairs, or both");
      if (!options->reference.empty() && options->pairs.empty())
        throw std::invalid_argument("--reference is what --pairs are compared with: give them too");
      if (!options->completions.empty() && options->positions.empty())
        throw std::invalid_argument("--completions are those of --positions: give them too");
      must_be_writable("--json", options->json_file);
      must_be_writable("--completions", options->completions);
      const Settings settings = read_settings(options->config);
      use_shard_threads();
      const json out = measure(*options, settings);
      print(out);
      if (!options->json_file.empty()) write_file(options->json_file, out.dump(1) + "\n");
      return 0;
    };
  });
}

}  // namespace strop::trainer
