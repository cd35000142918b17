// Normalizers and pre-tokenizers of a tokenizer.json: from text to the pieces within which BPE
// merges.
//
// Owns compiled patterns; const functions from any thread. Invalid UTF-8 is never refused: each
// byte that is not UTF-8 is a piece of its own. Errors: a message naming the kind that is not
// supported and those that are.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/tokenizer/pattern.h"

namespace strop::trainer {

class PreTokenizer {
 public:
  using Sink = std::function<void(std::string_view)>;

  static tl::expected<PreTokenizer, std::string> from_json(const nlohmann::json& normalizer,
                                                           const nlohmann::json& pre_tokenizer);

  // Whether `normalize` may change this text.
  bool normalizes(std::string_view text) const;
  std::string normalize(std::string_view text) const;

  // Calls `piece` for each piece of normalized `text`, in order.
  void split(std::string_view text, const Sink& piece) const;

 private:
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  struct Step {
    std::optional<Pattern> pattern;  // none: a step that only sets the blank
    Behavior behavior = Behavior::kIsolated;
    bool invert = false;
    bool prefix_space = false;  // put a blank before text that has none
  };
  struct Part {
    std::string_view text;
    bool matched = false;
  };

  static Behavior behavior_of(const std::string& name);
  void add_normalizer(const nlohmann::json& json);
  void add(const nlohmann::json& json);
  void add_byte_level(const nlohmann::json& json);
  void add_split(const nlohmann::json& json);
  void apply(std::size_t step, std::string_view text, const Sink& piece) const;
  void cut(const Step& step, std::size_t next, std::string_view text, const Sink& piece) const;

  bool nfc_ = false;
  bool byte_level_ = false;
  std::vector<Step> steps_;
};

}  // namespace strop::trainer
