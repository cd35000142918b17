// The added tokens of a tokenizer.json, found in text as the reference finds them.
//
// Owns its table; const functions from any thread. Leftmost first, of those the longest; a token
// may take the white space beside it. Errors: what is not supported throws std::runtime_error.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace strop::trainer {

struct AddedToken {
  std::string text;
  std::int32_t id = 0;
  bool special = false;
  bool normalized = false;  // sought in normalized text
  bool lstrip = false;      // takes the white space before it
  bool rstrip = false;      // and after it
};

AddedToken added_token_from_json(const nlohmann::json& json);

class AddedTokens {
 public:
  void add(AddedToken token);

  // Calls `plain` for text between tokens (never empty) and `found` for each token, in order. With
  // `special` off, special tokens stay in the plain text.
  void cut(std::string_view text, bool special, const std::function<void(std::string_view)>& plain,
           const std::function<void(const AddedToken&)>& found) const;

  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* at(std::string_view text) const;

  std::vector<AddedToken> tokens_;                      // longest first
  std::array<std::vector<std::size_t>, 256> by_first_;  // indices into tokens_, longest first
};

}  // namespace strop::trainer
