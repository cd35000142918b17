// When a suggestion is worth showing: the rule that the collector fits and the agent follows.
//
// Values and pure functions; any thread. A suggestion shown is worth kTaken when it is taken and
// kNotTaken when it is not, silence is worth 0; so it is worth showing from an acceptance of
// kBreakEven on. Errors: silence_from_json says which field is missing or wrong.
//
//   score = log-prob (summed over the tokens) + 2·ln(1 + characters)
//
// A threshold asks for a score; a head (logistic regression) for a probability of being taken.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace strop::schema {

inline constexpr int kSilenceVersion = 1;
inline constexpr double kTaken = 0.75;
inline constexpr double kNotTaken = -0.25;
inline constexpr double kBreakEven = 0.25;  // p·kTaken + (1 − p)·kNotTaken = 0

// What is known of a suggestion before anybody has seen it.
struct Prospect {
  double logprob = 0;  // summed over the tokens of the text
  std::size_t chars = 0;
  std::size_t lines = 1;
  std::size_t column = 0;  // characters before the cursor on its line
  std::string language;
};

Prospect prospect_of(double logprob, std::string_view text, std::string_view prefix,
                     std::string_view language);

double silence_score(double logprob, std::size_t chars);

struct SilenceHead {
  static constexpr std::size_t kFeatures = 6;
  static constexpr std::array<std::string_view, kFeatures> kNames{
      "logprob", "logprob_per_char", "log_chars", "log_lines", "log_column", "language"};
  using Features = std::array<double, kFeatures>;

  double bias = 0;
  Features weights{};                       // of standardized features
  Features means{};                         // by which they are standardized
  Features scales{};                        // above 0
  std::map<std::string, double> languages;  // ln(odds) of being taken, less that of all; others: 0

  bool operator==(const SilenceHead&) const = default;

  Features features(const Prospect& prospect) const;
  double probability(const Prospect& prospect) const;
};

struct SilenceRule {
  double threshold = 0;  // of the score; at or above it is shown
  std::optional<SilenceHead> head;
  bool operator==(const SilenceRule&) const = default;
};

nlohmann::json silence_to_json(const SilenceRule& rule);
tl::expected<SilenceRule, std::string> silence_from_json(const nlohmann::json& json);

}  // namespace strop::schema
