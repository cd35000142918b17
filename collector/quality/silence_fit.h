// Fits when to stay silent (schema/silence.h) to what became of suggestions that were shown.
//
// Values and pure functions, any thread. Times are milliseconds of the Unix epoch. What is expected
// of a rule is measured on documents that it was not fitted to (five parts, each left out once).
// A suggestion that was let through with a probability counts for all that were kept back like it.
// Errors: too little to fit to; the message says how much is missing.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "collector/pairs/history.h"
#include "schema/silence.h"

namespace strop::collector {

// A suggestion that was shown, and whether it was taken: accepted, in part or whole, or typed just
// so.
struct Trial {
  schema::Prospect prospect;
  bool taken = false;
  double weight = 1;  // 1 / propensity
  std::string document;
  std::string model;
  double t_ms = 0;
};

// Nothing: not inline, no log-probability, no text, not seen, or nobody can tell.
std::optional<Trial> trial_of(const SuggestionHistory& history);

struct SilenceNeeds {
  std::size_t trials = 200;
  std::size_t taken = 20;
};

// Of all suggestions.
struct Expected {
  double shown = 0;       // share
  double acceptance = 0;  // of those shown
  double reward = 0;      // a suggestion: schema::kTaken, kNotTaken, silence 0
};

struct Calibration {
  schema::SilenceRule rule;
  std::size_t trials = 0;
  std::size_t taken = 0;
  std::size_t explored = 0;  // let through with a probability
  double from_ms = 0;
  double to_ms = 0;
  std::map<std::string, std::size_t> models;
  Expected always;  // all are shown
  Expected threshold;
  Expected head;
};

tl::expected<Calibration, std::string> calibrate_silence(const std::vector<Trial>& trials,
                                                         const SilenceNeeds& needs = {});

// The parts of it. REQUIRES: at least one trial.
double fit_threshold(const std::vector<Trial>& trials);
schema::SilenceHead fit_head(const std::vector<Trial>& trials);

}  // namespace strop::collector
