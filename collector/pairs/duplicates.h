// Knows which pairs were seen before, or others so like them that they teach the same.
//
// Owns 16 bytes a pair; one thread. Near-duplicates: the same last lines before, the same two
// sides, white space apart.
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
  bool add(const std::string& prefix, const std::string& kind, const std::string& first,
           const std::string& second);
  std::set<std::string> seen_;
};

}  // namespace strop::collector
