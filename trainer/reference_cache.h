// What a reference thinks of pairs, kept between runs: a nightly run pays for new pairs alone.
//
// A value over one file of JSON lines, the base's digest first, and FILE.part beside it, which
// holds what was added since and is there until `save`; one thread. Units: nats. A file of another
// base, or a damaged one, counts as empty; a last line that was cut short, as by a kill, is passed
// over. Errors: std::runtime_error for what cannot be written, which the constructor finds out.
#pragma once

#include <fstream>
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
  ~ReferenceCache();
  ReferenceCache(const ReferenceCache&) = delete;
  ReferenceCache& operator=(const ReferenceCache&) = delete;

  std::optional<ReferenceScore> find(const TokenPair& pair);
  // What is kept of the pair: of two that are alike the first.
  ReferenceScore add(const TokenPair& pair, const ReferenceScore& score);
  // Puts on disk what was added since the last time.
  void keep();
  // Those that were found or added; what no run asks for any more goes. Nothing is added after it.
  void save();

  std::size_t found() const { return found_; }

 private:
  void read(const std::string& file);

  const std::string file_;
  const std::string base_;
  std::map<std::string, ReferenceScore> known_;  // by the pair's digest
  std::map<std::string, ReferenceScore> used_;   // likewise
  std::size_t found_ = 0;
  std::ofstream part_;
  bool part_is_empty_ = true;
};

}  // namespace strop::trainer
