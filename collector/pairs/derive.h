// From a suggestion's life to preference pairs and unpaired examples, or to the reasons why there
// are none.
//
// Pure: history and options in, pairs and discards out; any thread. Lengths are bytes of UTF-8
// unless they say characters. ε is the probability that the label is wrong, from the evidence
// alone; weight is left at 1 and the split at train here. Kinds: `edited` (settled text over what
// was accepted), `typed_instead` (what was written over what was rejected), `sibling` (the
// candidate taken over those that were not).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/pairs/history.h"
#include "schema/preference_pair.h"

namespace strop::collector {

struct PairOptions {
  double max_epsilon = 0.4;
  double nearest = 0.05;   // lexeme distance at or below which a pair is too near
  double farthest = 0.95;  // edited pairs beyond it have nothing to do with the offer any more
  std::size_t max_bytes = 4096;
  // Parts of server names, in small letters, whose output may not train other models by its terms.
  std::vector<std::string> other_vendors{"copilot",    "codeium", "windsurf",
                                         "supermaven", "tabnine", "cursor"};
  // Whether events that do not name the producing server make pairs; it might be any vendor's.
  bool unnamed_servers = false;
};

struct Derivation {
  std::vector<schema::PreferencePair> pairs;
  std::vector<schema::UnpairedExample> examples;
  std::vector<std::string> discards;  // reasons, one for each pair that might have been
};

Derivation derive_pairs(const SuggestionHistory& history, const PairOptions& options);

}  // namespace strop::collector
