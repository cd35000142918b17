// Trains a byte-level BPE vocabulary: the most frequent neighbouring pair becomes a token, again
// and again (Sennrich et al. 2016).
//
// Owns its counts; one thread; deterministic: ties go to the pair with the smaller ids. Memory
// grows with distinct pieces, not with the text. The result is a tokenizer.json that the Hugging
// Face library reads as the same tokenizer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trainer/tokenizer/pre_tokenizer.h"

namespace strop::trainer {

class BpeTrainer {
 public:
  BpeTrainer();

  void add(std::string_view text);

  // `vocab` counts the 256 bytes, the specials and the merges. Specials get the first ids. Fewer
  // merges result when nothing is left that occurs twice. Throws std::invalid_argument when `vocab`
  // has no room for bytes and specials.
  nlohmann::json train(std::size_t vocab, const std::vector<std::string>& specials) const;

 private:
  PreTokenizer pre_tokenizer_;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>> counts_;
};

}  // namespace strop::trainer
