// Normalizers and pre-tokenizers of a tokenizer.json: from text to the pieces within which BPE
// merges.
//
// Owns compiled patterns (PCRE2 with JIT); const functions from one thread at a time. Invalid UTF-8
// is never refused: a stretch that is not UTF-8 is a piece of its own. Errors: a message naming the
// kind that is not supported.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace strop::trainer {

class Pattern;

class PreTokenizer {
 public:
  static tl::expected<PreTokenizer, std::string> from_json(const nlohmann::json& normalizer,
                                                           const nlohmann::json& pre_tokenizer);

  // Calls `piece` for each piece of `text`, in order.
  void split(std::string_view text, const std::function<void(std::string_view)>& piece) const;

 private:
  enum class Behavior { kIsolated, kRemoved };
  struct Step {
    std::shared_ptr<const Pattern> pattern;
    Behavior behavior = Behavior::kIsolated;
    bool invert = false;
  };
  void add_normalizer(const nlohmann::json& json);
  void add(const nlohmann::json& json);
  void apply(std::size_t step, std::string_view text,
             const std::function<void(std::string_view)>& piece) const;

  bool nfc_ = false;
  bool prefix_space_ = false;
  bool byte_level_ = false;
  std::vector<Step> steps_;
};

}  // namespace strop::trainer
