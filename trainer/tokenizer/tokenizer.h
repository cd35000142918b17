// A byte-level BPE tokenizer read from a Hugging Face tokenizer.json.
//
// Owns its tables; const functions from one thread at a time (a cache of pieces is kept inside).
// Texts are bytes: any bytes encode, and decode gives them back (unless the file asks for a
// normalizer, which is applied first). Errors: a message that names the unknown kind and what is
// supported. `encode` of text never yields a special token; specials go in by id.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "schema/fim.h"
#include "trainer/tokenizer/pre_tokenizer.h"

namespace strop::trainer {

using TokenId = std::int32_t;

class Tokenizer {
 public:
  // Reads DIR/tokenizer.json, or the file itself.
  static tl::expected<Tokenizer, std::string> load(const std::string& path);
  static tl::expected<Tokenizer, std::string> from_json(const nlohmann::json& json);

  std::vector<TokenId> encode(std::string_view text) const;
  // Special pieces by id; a special the vocabulary lacks throws std::invalid_argument.
  std::vector<TokenId> encode(const std::vector<schema::PromptPiece>& pieces) const;
  // As the reference implementation reads text: added tokens are recognised in it.
  std::vector<TokenId> encode_with_added(std::string_view text) const;

  // Special tokens give nothing, unless asked for by name.
  std::string decode(std::span<const TokenId> ids, bool with_special = false) const;
  std::string_view bytes_of(TokenId id) const;

  std::optional<TokenId> special_id(std::string_view name) const;
  bool is_special(TokenId id) const;
  std::size_t vocab_size() const { return bytes_.size(); }

 private:
  struct Added {
    std::string text;
    TokenId id = 0;
    bool special = false;
  };
  Tokenizer() = default;
  void encode_piece(std::string_view piece, std::vector<TokenId>& out) const;
  std::vector<TokenId> merge(std::string_view piece) const;

  PreTokenizer pre_tokenizer_;
  std::vector<std::string> bytes_;  // by id; of an added token its text
  std::unordered_map<std::string, TokenId> ids_;
  std::unordered_map<std::uint64_t, std::pair<std::int32_t, TokenId>>
      merges_;                     // (left, right) → rank, result
  std::vector<TokenId> byte_ids_;  // 256
  std::vector<Added> added_;
  std::vector<bool> special_;
  bool ignore_merges_ = false;
  mutable std::unordered_map<std::string, std::vector<TokenId>> cache_;
};

// GPT-2's printable stand-ins for bytes, as the vocabulary of a tokenizer.json spells them.
std::string to_byte_level(std::string_view bytes);
std::optional<std::string> from_byte_level(std::string_view text);

}  // namespace strop::trainer
