// Prompt templates by model family: how a prefix and a suffix become one prompt.
//
// Pure functions, any thread. The agent's provider, the collector's export and the trainer share
// them, so a model is trained on the prompts it will be asked. Special tokens stand as pieces of
// their own, because they must be inserted by id, never re-tokenized from text (a file may contain
// the same characters). A suffix without any non-blank character gives the plain causal prompt:
// just the prefix.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strop::schema {

enum class FimFamily { kStrop, kQwen, kStarCoder2, kDeepSeek, kCodeLlama, kCodestral };

struct PromptPiece {
  std::string text;
  bool special = false;  // a special token by this name, not ordinary text
  bool operator==(const PromptPiece&) const = default;
};

// "strop", "qwen", "starcoder2", "deepseek", "codellama", "codestral"; nullopt for any other.
std::optional<FimFamily> fim_family(std::string_view name);

// The pieces of the prompt, in order.
std::vector<PromptPiece> fim_prompt(FimFamily family, std::string_view prefix,
                                    std::string_view suffix);

// The same as one string, for servers that tokenize special tokens in text themselves.
std::string fim_prompt_text(FimFamily family, std::string_view prefix, std::string_view suffix);

// The token that ends a middle, by name.
std::string_view fim_end_token(FimFamily family);

}  // namespace strop::schema
