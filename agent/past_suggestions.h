// Suggestions that are no longer followed, for as long as a developer may still rate them.
//
// Owns a bounded number of headers and hashes of the names by which editors speak of them; the
// oldest go first. One thread. No errors: what is not known any more is nothing.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "schema/event.h"

namespace strop::agent {

class PastSuggestions {
 public:
  explicit PastSuggestions(std::size_t most) : most_(most) {}

  static constexpr std::size_t kMaxNames = 48;  // of one suggestion

  using Name = std::size_t;
  static Name name_of(std::string_view text);

  // Of many names the last kMaxNames count.
  void keep(const schema::Event& header, std::vector<Name> names);

  // The one kept last of that name, or that id.
  const schema::Event* by_name(Name name) const;
  const schema::Event* by_id(std::string_view suggestion) const;

 private:
  struct Past {
    schema::Event header;
    std::vector<Name> names;
  };

  std::size_t most_;
  std::deque<Past> past_;  // the newest last
};

}  // namespace strop::agent
