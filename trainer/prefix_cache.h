// Keys and values of sequences that were computed, for prompts that begin alike.
//
// Owns what it keeps, at most so many bytes of it; what was not used for longest goes first. One
// model and one thread a cache. Lengths are tokens. No errors.
#pragma once

#include <cstddef>
#include <list>
#include <span>
#include <vector>

#include "trainer/model/decoder.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

class PrefixCache {
 public:
  explicit PrefixCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // What is known of the beginning of `tokens`, at most `most` of them, in memory of the caller's
  // own; of no layer where nothing is known.
  KvCache find(std::span<const TokenId> tokens, std::size_t most);

  // REQUIRES: `cache` holds `tokens` and nothing else. What it makes superfluous is dropped.
  void keep(std::vector<TokenId> tokens, KvCache cache);

  void set_most_bytes(std::size_t most_bytes);
  std::size_t bytes() const { return bytes_; }
  std::size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    std::vector<TokenId> tokens;
    KvCache cache;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);
  void drop_oldest();

  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  Entries entries_;  // the one used last in front
};

}  // namespace strop::trainer
