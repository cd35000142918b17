// Knows which pairs were seen before, or others so like them that they teach the same.
//
// Owns 16 bytes a pair; one thread. Near-duplicates: the same was written up to the end of the
// chosen side, and the same rejected, white space apart; so a suggestion that comes again after
// every key of what was typed over it counts once.
#pragma once

#include <set>
#include <string>

#include "schema/preference_pair.h"

namespace strop::collector {

class Duplicates {
 public:
  // True the first time; false for one like a pair before.
  bool add(const schema::PreferencePair& pair);
  bool add(const schema::UnpairedExample& example);

 private:
  bool add(const std::string& kind, const std::string& written, const std::string& rejected);
  std::set<std::string> seen_;
};

}  // namespace strop::collector
