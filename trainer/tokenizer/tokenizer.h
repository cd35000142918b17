// A byte-level BPE tokenizer read from a Hugging Face tokenizer.json.
//
// Owns its tables; const functions from one thread at a time (a cache of pieces is kept inside); a
// copy serves another thread. Texts are bytes: any bytes encode, and decode gives them back (unless
// the file asks for a normalizer or a blank in front, which are applied first, or its vocabulary
// lacks a byte that no UTF-8 has: U+FFFD takes its place). Errors: a message that names the file,
// what is wrong with it or not supported, and what to do.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "schema/fim.h"
#include "trainer/tokenizer/added_tokens.h"
#include "trainer/tokenizer/byte_level.h"
#include "trainer/tokenizer/merger.h"
#include "trainer/tokenizer/pre_tokenizer.h"

namespace strop::trainer {

class Tokenizer {
 public:
  // Reads DIR/tokenizer.json, or the file itself.
  static tl::expected<Tokenizer, std::string> load(const std::string& path);
  static tl::expected<Tokenizer, std::string> from_json(const nlohmann::json& json);

  // Plain text: what spells a special token in it stays text. (Added tokens that are not special
  // are recognised, as the reference does.)
  std::vector<TokenId> encode(std::string_view text) const;
  // A prompt: the tokens that the file puts before every text, then the pieces, special ones by id.
  // A special the vocabulary lacks throws std::invalid_argument.
  std::vector<TokenId> encode(const std::vector<schema::PromptPiece>& pieces) const;
  // As the reference implementation reads text: special tokens are recognised in it too.
  std::vector<TokenId> encode_with_added(std::string_view text) const;

  // Special tokens give nothing, unless asked for by name.
  std::string decode(std::span<const TokenId> ids, bool with_special = false) const;
  std::string_view bytes_of(TokenId id) const;

  // The id of a special token in a prompt; throws std::invalid_argument when there is none.
  TokenId encode_special(std::string_view name) const;
  // The id of an added token by its text.
  std::optional<TokenId> special_id(std::string_view name) const;
  bool is_special(TokenId id) const;
  std::size_t vocab_size() const { return bytes_.size(); }
  // What the file puts before every text (Llama 3's <|begin_of_text|>); mostly nothing.
  const std::vector<TokenId>& start_ids() const { return start_ids_; }

 private:
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <typename Value>
  using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

  Tokenizer() = default;
  void read_vocabulary(const nlohmann::json& model, const nlohmann::json& added);
  void read_merges(const nlohmann::json& merges);
  void read_added(const nlohmann::json& added);
  void read_start(const nlohmann::json& post_processor);
  void encode_text(std::string_view text, bool with_special, std::vector<TokenId>& out) const;
  void encode_plain(std::string_view text, std::vector<TokenId>& out) const;
  void encode_piece(std::string_view piece, std::vector<TokenId>& out) const;
  void merge(std::string_view piece, std::vector<TokenId>& out) const;

  PreTokenizer pre_tokenizer_;
  Merger merger_;
  std::vector<std::string> bytes_;  // by id; of an added token its text
  std::vector<bool> special_;       // by id
  ByText<TokenId> ids_;             // the model's vocabulary, without added tokens
  ByText<TokenId> added_ids_;
  AddedTokens raw_added_;         // sought before the normalizer
  AddedTokens normalized_added_;  // and after it
  std::vector<TokenId> start_ids_;
  bool ignore_merges_ = false;
  bool lacks_bytes_ = false;    // those that no UTF-8 has
  mutable ByText<Span> cache_;  // piece → its place in cached_ids_
  mutable std::vector<TokenId> cached_ids_;
};

}  // namespace strop::trainer
