// A preference pair: what a developer preferred, and what they did not, after the same prefix and
// before the same suffix.
//
// Values: plain data, no thread. Times are milliseconds of the Unix epoch. Errors: `pair_from_json`
// returns a message that names the offending field. The collector writes these, the trainer reads
// them; CONTRACTS in FORMAT.md.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace strop::schema {

inline constexpr int kPairVersion = 1;

struct DimensionVote {
  std::string winner;  // "chosen" or "rejected"
  std::string source;
  double confidence = 0;
  bool operator==(const DimensionVote&) const = default;
};

struct PreferencePair {
  std::string id;
  std::string language;
  std::string repo;  // pseudonym
  std::string path_ext;
  std::string prefix;
  std::string suffix;
  std::string chosen;
  std::string rejected;
  std::string
      kind;  // edited | typed_instead | sibling | rated | reverted | reviewed | verified | judged
  double epsilon = 0;  // probability that the label is wrong
  double weight = 1;   // strata, propensity and caps alone
  std::map<std::string, DimensionVote> dimensions;
  std::string contributor;  // pseudonym
  std::string model;
  std::optional<std::string> arm;
  std::string prompt = "rebuilt";  // exact | rebuilt
  std::string split = "train";     // train | heldout
  double t = 0;
  std::vector<std::string> events;
  bool operator==(const PreferencePair&) const = default;
};

nlohmann::json pair_to_json(const PreferencePair& pair);
tl::expected<PreferencePair, std::string> pair_from_json(const nlohmann::json& json);

// An unpaired example: one text, and whether it was wanted. The fields that it shares with a pair
// stand in `about`, whose `chosen` and `rejected` stay empty; `kind` is the outcome it rests on:
// accepted | partial | typed_through | dismissed.
struct UnpairedExample {
  PreferencePair about;
  std::string completion;
  bool label = false;
  bool operator==(const UnpairedExample&) const = default;
};

nlohmann::json example_to_json(const UnpairedExample& example);
tl::expected<UnpairedExample, std::string> example_from_json(const nlohmann::json& json);

}  // namespace strop::schema
