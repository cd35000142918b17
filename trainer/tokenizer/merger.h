// Byte-pair merging of one piece: of all neighbouring pairs the one of the lowest rank first, the
// leftmost of equals, until none merges (Sennrich et al. 2016).
//
// Owns the table of merges; const functions from any thread. Time: n log n for long pieces.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace strop::trainer {

using TokenId = std::int32_t;

class Merger {
 public:
  void set_byte(unsigned char byte, TokenId id) { byte_ids_[byte] = id; }
  // A pair given twice has its later rank, as in the reference.
  void add(TokenId left, TokenId right, std::int32_t rank, TokenId result);

  // Appends the tokens of `piece`.
  void merge(std::string_view piece, std::vector<TokenId>& out) const;

 private:
  struct Rule {
    std::int32_t rank = 0;
    TokenId result = 0;
  };
  struct KeyHash {
    std::size_t operator()(std::uint64_t key) const {
      key *= 0x9E3779B97F4A7C15U;  // Fibonacci hashing; ids are dense in their low bits
      return static_cast<std::size_t>(key ^ (key >> 32));
    }
  };
  const Rule* rule(TokenId left, TokenId right) const;
  void merge_short(std::string_view piece, std::vector<TokenId>& out) const;
  void merge_long(std::string_view piece, std::vector<TokenId>& out) const;

  std::unordered_map<std::uint64_t, Rule, KeyHash> rules_;
  std::array<TokenId, 256> byte_ids_{};
};

}  // namespace strop::trainer
