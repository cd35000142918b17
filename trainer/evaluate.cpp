#include "trainer/evaluate.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>

#include "schema/blank.h"
#include "trainer/data.h"
#include "trainer/generate.h"
#include "trainer/kept_text.h"
#include "trainer/pair_batch.h"
#include "trainer/threads.h"
#include "trainer/tokenizer/prompt.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::size_t kChunk = 64;  // positions a thread takes at once
constexpr std::size_t kPairBatch = 16;

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

Tally tally_of(const Position& position, std::string_view suggestion) {
  Tally out;
  out.positions = 1;
  if (suggestion.empty()) return out;
  const std::string_view rest = first_line(position.truth);
  const Kept kept = kept_of(suggestion, position.truth);
  out.suggestions = 1;
  out.accepted = kept.accepted ? 1 : 0;
  out.kept = kept.characters;
  out.exact = suggestion == rest ? 1 : 0;
  out.edit_similarity = edit_similarity(suggestion, rest);
  out.suggested_length = character_count(suggestion);
  out.truth_length = character_count(rest);
  return out;
}

// To the end of the line, nothing if that is blank.
std::string shown_of(std::string_view completion) {
  const std::string_view line = first_line(completion);
  return schema::is_blank(line) ? "" : std::string(line);
}

// What is shown at each of a chunk's positions.
std::vector<std::string> suggest_chunk(const Decoder& model, const Tokenizer& tokenizer,
                                       const std::vector<Position>& positions, std::size_t begin,
                                       std::size_t end, const EvaluateOptions& options) {
  std::vector<std::vector<TokenId>> prompts;
  const auto budget = static_cast<std::size_t>(options.context - options.max_tokens);
  for (std::size_t i = begin; i < end; ++i)
    prompts.push_back(
        fit_prompt(tokenizer, options.family, positions[i].prefix, positions[i].suffix, budget));
  GenerateOptions generate;
  generate.max_tokens = options.max_tokens;
  generate.stop = {"\n"};
  const std::vector<Completion> completions = generate_batch(model, tokenizer, prompts, generate);
  std::vector<std::string> texts;
  for (const Completion& completion : completions) texts.push_back(shown_of(completion.text));
  return texts;
}

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::vector<PairedShare> shares(const json& before, const json& after, const char* sum,
                                const char* count) {
  std::vector<PairedShare> out;
  for (const auto& [file, one] : before.items())
    out.push_back(
        {{one.at(sum), one.at(count)}, {after.at(file).at(sum), after.at(file).at(count)}});
  return out;
}

tl::expected<Position, std::string> position_from_json(const json& line) {
  Position out;
  const auto take = [&](const char* name, std::string& into, bool required) {
    const auto found = line.find(name);
    if (found == line.end()) return !required;
    if (!found->is_string()) return false;
    into = found->get<std::string>();
    return true;
  };
  if (!line.is_object()) return tl::unexpected(std::string("is not a JSON object"));
  for (const auto& [name, into, required] :
       {std::tuple{"file", &out.file, true}, std::tuple{"prefix", &out.prefix, true},
        std::tuple{"truth", &out.truth, true}, std::tuple{"suffix", &out.suffix, false},
        std::tuple{"stratum", &out.stratum, false}})
    if (!take(name, *into, required))
      return tl::unexpected("'" + std::string(name) + "' must be a text");
  return out;
}

}  // namespace

void Tally::add(const Tally& other) {
  positions += other.positions;
  suggestions += other.suggestions;
  accepted += other.accepted;
  kept += other.kept;
  exact += other.exact;
  edit_similarity += other.edit_similarity;
  suggested_length += other.suggested_length;
  truth_length += other.truth_length;
}

tl::expected<std::vector<Position>, std::string> read_positions(const std::string& file) {
  std::ifstream in(file);
  if (!in) return tl::unexpected("cannot read the positions " + file);
  std::vector<Position> out;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    auto position = position_from_json(json::parse(line, nullptr, false));
    if (!position)
      return tl::unexpected(file + ", line " + std::to_string(number) + ": " + position.error());
    out.push_back(std::move(*position));
  }
  if (out.empty()) return tl::unexpected(file + " holds no positions");
  return out;
}

PositionMeasures measure_positions(Decoder& model, const Tokenizer& tokenizer,
                                   const std::vector<Position>& positions,
                                   const EvaluateOptions& options) {
  PositionMeasures out;
  out.suggestions.resize(positions.size());
  std::atomic<std::size_t> next{0};
  std::mutex fault_mutex;
  std::exception_ptr fault;  // guarded by fault_mutex
  const auto work = [&] {
    prepare_compute_thread();
    torch::NoGradGuard no_grad;
    const Decoder replica = model.replica();
    const auto own = std::make_unique<const Tokenizer>(tokenizer);  // its cache is one thread's
    try {
      for (std::size_t begin = next.fetch_add(kChunk); begin < positions.size();
           begin = next.fetch_add(kChunk)) {
        const std::size_t end = std::min(positions.size(), begin + kChunk);
        auto chunk = suggest_chunk(replica, *own, positions, begin, end, options);
        std::move(chunk.begin(), chunk.end(),
                  out.suggestions.begin() + static_cast<std::ptrdiff_t>(begin));
      }
    } catch (...) {
      const std::lock_guard lock(fault_mutex);
      fault = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < options.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  if (fault) std::rethrow_exception(fault);

  for (std::size_t i = 0; i < positions.size(); ++i) {
    const Tally tally = tally_of(positions[i], out.suggestions[i]);
    out.all.add(tally);
    out.by_file[positions[i].file].add(tally);
    if (!positions[i].stratum.empty()) out.by_stratum[positions[i].stratum].add(tally);
  }
  return out;
}

double PairMeasures::accuracy() const {
  return share(std::accumulate(right.begin(), right.end(), 0.0), static_cast<double>(right.size()));
}

PairMeasures measure_pairs(Decoder& model, const Tokenizer& tokenizer,
                           const std::vector<schema::PreferencePair>& pairs,
                           const EvaluateOptions& options, Decoder* reference_model) {
  std::vector<schema::PreferencePair> all = pairs;
  for (schema::PreferencePair& pair : all) pair.split = "train";  // none is kept from measuring
  const std::vector<TokenPair> tokens =
      tokenize_pairs(tokenizer, all, {.family = options.family, .context = options.context}).pairs;
  torch::NoGradGuard no_grad;
  const bool adapted = model.uses_adapter();
  PairMeasures out;
  for (std::size_t begin = 0; begin < tokens.size(); begin += kPairBatch) {
    std::vector<const TokenPair*> pointers;
    for (std::size_t i = begin; i < std::min(tokens.size(), begin + kPairBatch); ++i)
      pointers.push_back(&tokens[i]);
    const PairBatch batch = make_pair_batch(pointers, Sides::kBoth);
    const PairLogProbs scores = score_pairs(model, batch).log_probs;
    if (reference_model == nullptr) model.use_adapter(false);
    const PairLogProbs reference =
        score_pairs(reference_model == nullptr ? model : *reference_model, batch).log_probs;
    model.use_adapter(adapted);
    for (std::size_t i = 0; i < pointers.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const double chosen = scores.chosen[row].item<double>();
      const double rejected = scores.rejected[row].item<double>();
      const double gained = chosen - reference.chosen[row].item<double>() -
                            (rejected - reference.rejected[row].item<double>());
      out.right.push_back(gained > 0 ? 1 : gained < 0 ? 0 : 0.5);
      out.margin += gained;
      out.chosen_logp += chosen / static_cast<double>(pointers[i]->chosen.size());
      out.rejected_logp += rejected / static_cast<double>(pointers[i]->rejected.size());
    }
  }
  const auto count = static_cast<double>(out.right.size());
  for (double* sum : {&out.margin, &out.chosen_logp, &out.rejected_logp}) *sum = share(*sum, count);
  return out;
}

json to_json(const Tally& tally) {
  const auto suggestions = static_cast<double>(tally.suggestions);
  const auto positions = static_cast<double>(tally.positions);
  return {{"positions", tally.positions},
          {"suggestions", tally.suggestions},
          {"accepted", tally.accepted},
          {"kept", tally.kept},
          {"acceptance_rate", share(static_cast<double>(tally.accepted), suggestions)},
          {"kept_chars_per_suggestion", share(static_cast<double>(tally.kept), suggestions)},
          {"kept_chars_per_position", share(static_cast<double>(tally.kept), positions)},
          {"exact_match", share(static_cast<double>(tally.exact), suggestions)},
          {"edit_similarity", share(tally.edit_similarity, suggestions)},
          {"length_ratio", share(static_cast<double>(tally.suggested_length),
                                 static_cast<double>(tally.truth_length))}};
}

json to_json(const PositionMeasures& measures) {
  json out = to_json(measures.all);
  out["files"] = measures.by_file.size();
  out["strata"] = json::object();
  for (const auto& [name, tally] : measures.by_stratum) out["strata"][name] = to_json(tally);
  out["by_file"] = json::object();
  for (const auto& [name, tally] : measures.by_file)
    out["by_file"][name] = {{"positions", tally.positions},
                            {"suggestions", tally.suggestions},
                            {"accepted", tally.accepted},
                            {"kept", tally.kept}};
  return out;
}

json to_json(const Ratio& ratio) {
  return {{"before", ratio.before},
          {"after", ratio.after},
          {"ratio", ratio.ratio},
          {"ci95", {ratio.low, ratio.high}}};
}

tl::expected<json, std::string> compare_positions(const json& before, const json& after) {
  const json empty = json::object();
  const json& old_files =
      before.is_object() && before.contains("by_file") ? before["by_file"] : empty;
  const json& new_files = after["by_file"];
  const auto same = [&] {
    if (!old_files.is_object() || old_files.size() != new_files.size()) return false;
    for (const auto& [file, one] : old_files.items())
      if (!new_files.contains(file) || one.value("positions", -1) != new_files[file]["positions"])
        return false;
    return true;
  };
  if (old_files.empty() || !same())
    return tl::unexpected(
        std::string("the two were not measured on the same positions; evaluate both on one file"));
  return json{{"acceptance_rate",
               to_json(bootstrap_ratio(shares(old_files, new_files, "accepted", "suggestions")))},
              {"kept_chars_per_suggestion",
               to_json(bootstrap_ratio(shares(old_files, new_files, "kept", "suggestions")))},
              {"kept_chars_per_position",
               to_json(bootstrap_ratio(shares(old_files, new_files, "kept", "positions")))}};
}

tl::expected<json, std::string> compare_pairs(const json& before, const json& after) {
  const auto right_of = [](const json& measured) {
    return measured.is_object() ? measured.value("right", std::vector<double>())
                                : std::vector<double>();
  };
  const std::vector<double> old_right = right_of(before);
  const std::vector<double> new_right = right_of(after);
  if (old_right.size() != new_right.size())
    return tl::unexpected(
        std::string("the two were not measured on the same pairs; evaluate both on one file"));
  std::vector<PairedShare> clusters;
  for (std::size_t i = 0; i < old_right.size(); ++i)
    clusters.push_back({{old_right[i], 1}, {new_right[i], 1}});
  return json{{"preference_accuracy", to_json(bootstrap_ratio(clusters))}};
}

}  // namespace strop::trainer
