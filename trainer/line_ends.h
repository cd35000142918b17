// Whether what a developer wrote ended its line, learnt from what stood there later.
//
// A pair's sides are cut to the same number of lines, without the last one's break: from them alone
// a model learns to go on. But where a prefix seen anywhere in the same repository holds the same
// line, whole and behind the same line before it, the text is known to have ended there.
//
// A value; one thread. Memory: one number a distinct line. No errors: what is not known is false.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "schema/preference_pair.h"

namespace strop::trainer {

class LineEnds {
 public:
  // The whole lines of the pair's prefix.
  void learn(const schema::PreferencePair& pair);

  // Whether `pair.chosen` was seen to be followed by a line break.
  bool known(const schema::PreferencePair& pair) const;

 private:
  std::unordered_set<std::uint64_t> seen_;  // of repository, the line before, the line
};

}  // namespace strop::trainer
