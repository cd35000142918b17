// From a suggestion's life to preference pairs, or to the reason why there is none.
//
// Pure: history and options in, pairs and discards out; any thread. Lengths are bytes of UTF-8
// unless they say characters. ε is the probability that the label is wrong, from the evidence
// alone; weight is left at 1 here. Kinds: `edited` (settled text over what was offered),
// `typed_instead` (what was written over what was rejected), `sibling` (the candidate taken over
// those that were not).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/pairs/history.h"
#include "schema/preference_pair.h"

namespace strop::collector {

struct PairOptions {
  double max_epsilon = 0.4;
  double nearest = 0.05;  // lexeme distance at or below which a pair is too near
  double farthest =
      0.95;  // edited pairs beyond this distance have nothing to do with the offer any more
  std::size_t max_bytes = 4096;
  std::set<std::string> other_vendors;  // servers whose output stays out of pairs
  double command_epsilon =
      0.02;  // by evidence; added to what the event's own confidence leaves open
  double sibling_epsilon = 0.25;
};

struct Derivation {
  std::vector<schema::PreferencePair> pairs;
  std::vector<std::string> discards;  // reasons, one for each pair that might have been
};

Derivation derive_pairs(const SuggestionHistory& history, const PairOptions& options);

}  // namespace strop::collector
