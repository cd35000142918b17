// How good a model's completions are: on positions of files it never saw, and on held-out pairs.
//
// Values and free functions; `measure_positions` computes on threads of its own, with replicas of
// the model, and the result does not depend on their number beyond rounding. Lengths are
// characters, log-probs nats. A completion is what the agent's provider would show: greedy, to the
// end of the line, nothing if that is blank. Errors: reading returns a message with file and line.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "schema/fim.h"
#include "schema/preference_pair.h"
#include "trainer/bootstrap.h"
#include "trainer/model/decoder.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

// A place in a file, and what stands there in the end.
struct Position {
  std::string file;
  std::string prefix;
  std::string suffix;
  std::string truth;
  std::string stratum;  // such as "line_start"; may be empty
};

// JSON lines {file, prefix, suffix?, truth, stratum?}.
tl::expected<std::vector<Position>, std::string> read_positions(const std::string& file);

struct EvaluateOptions {
  schema::FimFamily family = schema::FimFamily::kStrop;
  std::int64_t context = 224;    // tokens of prompt and completion
  std::int64_t max_tokens = 24;  // of a completion
  int threads = 1;
};

// Sums over the positions of one file or stratum.
struct Tally {
  std::int64_t positions = 0;
  std::int64_t suggestions = 0;  // positions with something to show
  std::int64_t accepted = 0;
  std::int64_t kept = 0;              // characters
  std::int64_t exact = 0;             // the whole rest of the line
  double edit_similarity = 0;         // of suggestion and rest of the line
  std::int64_t suggested_length = 0;  // characters
  std::int64_t truth_length = 0;      // of the same positions' rest of the line
  void add(const Tally& other);
};

struct PositionMeasures {
  std::vector<std::string> suggestions;  // by position: what would be shown; may be empty
  Tally all;
  std::map<std::string, Tally> by_file;
  std::map<std::string, Tally> by_stratum;
};

PositionMeasures measure_positions(Decoder& model, const Tokenizer& tokenizer,
                                   const std::vector<Position>& positions,
                                   const EvaluateOptions& options);

// Rewards as in DPO with β = 1: what a completion has gained on the model without its adapter.
struct PairMeasures {
  std::vector<double>
      right;          // by pair: 1 where the chosen gained more than the rejected, ½ for a tie
  double margin = 0;  // mean of what it gained more, summed over the completion's tokens
  double chosen_logp = 0;  // mean, a token
  double rejected_logp = 0;
  double accuracy() const;
};

// `reference`: of the same vocabulary; nullptr: the model without its adapter. A model without one
// is then its own reference, and every pair a tie: the chance that any model is measured against.
// Pairs that tokenize_pairs leaves out are left out here.
PairMeasures measure_pairs(Decoder& model, const Tokenizer& tokenizer,
                           const std::vector<schema::PreferencePair>& pairs,
                           const EvaluateOptions& options, Decoder* reference = nullptr);

nlohmann::json to_json(const Tally& tally);
nlohmann::json to_json(const PositionMeasures& measures);
nlohmann::json to_json(const Ratio& ratio);

// The ratios of two measurements (in the form of to_json) of the same positions: acceptance_rate,
// kept_chars_per_suggestion, kept_chars_per_position. Errors: they are not of the same files.
tl::expected<nlohmann::json, std::string> compare_positions(const nlohmann::json& before,
                                                            const nlohmann::json& after);

// The same of two measurements of the same pairs: preference_accuracy.
tl::expected<nlohmann::json, std::string> compare_pairs(const nlohmann::json& before,
                                                        const nlohmann::json& after);

}  // namespace strop::trainer
