#include "trainer/tokenizer/prompt.h"

#include <algorithm>
#include <stdexcept>

namespace strop::trainer {
namespace {

constexpr std::size_t kSuffixShare = 4;  // a quarter

void keep_last(std::vector<TokenId>& tokens, std::size_t count) {
  if (tokens.size() > count)
    tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(count));
}

void keep_first(std::vector<TokenId>& tokens, std::size_t count) {
  if (tokens.size() > count) tokens.resize(count);
}

}  // namespace

std::vector<TokenId> fit_prompt(const Tokenizer& tokenizer, schema::FimFamily family,
                                std::string_view prefix, std::string_view suffix,
                                std::size_t budget) {
  std::vector<TokenId> before = tokenizer.encode(prefix);
  std::vector<TokenId> after = tokenizer.encode(suffix);
  // The template around nothing but a stand-in for the suffix tells what it costs.
  const bool causal = schema::fim_prompt(family, prefix, suffix).size() == 1;
  const auto frame = schema::fim_prompt(family, "", causal ? "" : "x");
  std::size_t fixed = tokenizer.start_ids().size();
  for (const schema::PromptPiece& piece : frame) fixed += piece.special ? 1 : 0;
  if (budget <= fixed)
    throw std::invalid_argument("a prompt of " + std::to_string(budget) +
                                " tokens has no room for text");
  const std::size_t room = budget - fixed;
  if (causal) after.clear();
  if (before.size() + after.size() > room) {
    const std::size_t left = room - std::min(room, before.size());
    keep_first(after, std::max(room / kSuffixShare, left));
    keep_last(before, room - after.size());
  }
  std::vector<TokenId> out = tokenizer.start_ids();
  for (const schema::PromptPiece& piece : frame) {
    if (piece.special) {
      const auto special = tokenizer.encode_special(piece.text);
      out.push_back(special);
      continue;
    }
    const std::vector<TokenId>& text = piece.text == "x" ? after : before;
    out.insert(out.end(), text.begin(), text.end());
  }
  // What models are made with in front of every file.
  if (out.empty()) out.push_back(tokenizer.encode_special(schema::fim_end_token(family)));
  return out;
}

std::vector<TokenId> fit_tokens(std::vector<TokenId> tokens, std::size_t budget) {
  keep_last(tokens, budget);
  return tokens;
}

}  // namespace strop::trainer
