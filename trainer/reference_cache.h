// What a reference thinks of pairs, kept between runs: a nightly run pays for new pairs alone.
//
// A value over one file of JSON lines, the base's digest first; one thread. Units: nats. A file of
// another base, or a damaged one, counts as empty. Errors: std::runtime_error for one that cannot
// be written.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "trainer/data.h"

namespace strop::trainer {

// Log-probs of what is compared, and −mean log p of the chosen's tokens.
struct ReferenceScore {
  float chosen = 0;
  float rejected = 0;
  float chosen_nll = 0;

  bool operator==(const ReferenceScore&) const = default;
};

class ReferenceCache {
 public:
  // `base`: what the reference's weights are called by.
  ReferenceCache(std::string file, std::string base);

  std::optional<ReferenceScore> find(const TokenPair& pair);
  // What is kept of the pair: of two that are alike the first.
  ReferenceScore add(const TokenPair& pair, const ReferenceScore& score);
  // Those that were found or added since; what no run asks for any more goes.
  void save() const;

  std::size_t found() const { return found_; }

 private:
  const std::string file_;
  const std::string base_;
  std::map<std::string, ReferenceScore> known_;  // by the pair's digest
  std::map<std::string, ReferenceScore> used_;   // likewise
  std::size_t found_ = 0;
};

}  // namespace strop::trainer
