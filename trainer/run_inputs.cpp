#include "trainer/run_inputs.h"

#include <filesystem>
#include <stdexcept>

#include "trainer/compared_tokens.h"

namespace strop::trainer {
namespace {

// A suffix needs the template's special tokens.
void check_template(const Recipe& recipe, const Tokenizer& tokenizer) {
  auto wanted = schema::fim_prompt(recipe.family, "before", "behind");
  wanted.push_back({std::string(schema::fim_end_token(recipe.family)), true});
  for (const schema::PromptPiece& piece : wanted)
    if (piece.special && !tokenizer.special_id(piece.text))
      throw std::invalid_argument("the tokenizer of " + recipe.base + " lacks the special token " +
                                  piece.text + " of [data] fim = \"" + recipe.family_name +
                                  "\": name the family whose prompts this base was made with");
}

// What the preference term is to compare, and whether it can.
void prepare_comparison(const Recipe& recipe, std::vector<TokenPair>& pairs) {
  if (recipe.method != Method::kDpo) return;
  for (TokenPair& pair : pairs) {
    choose_compared(pair, recipe.objective.compared);
    if (recipe.objective.term == PreferenceTerm::kRobust && pair.epsilon >= 0.5)
      throw std::invalid_argument(
          recipe.pairs + " holds a pair whose epsilon is " + std::to_string(pair.epsilon) +
          "; [objective] term = \"robust\" needs less than 0.5: take \"sigmoid\", or leave it out");
  }
}

}  // namespace

Tokenizer load_tokenizer(const Recipe& recipe) {
  if (!std::filesystem::is_directory(recipe.base))
    throw std::invalid_argument("there is no model folder " + recipe.base +
                                ": --base wants one with config.json, model.safetensors and "
                                "tokenizer.json");
  auto tokenizer = Tokenizer::load(recipe.base);
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  check_template(recipe, *tokenizer);
  return std::move(*tokenizer);
}

ModelConfig base_config(const Recipe& recipe, const Tokenizer& tokenizer) {
  auto loaded = load_config(recipe.base);
  if (!loaded) throw std::runtime_error(loaded.error());
  const ModelConfig& config = *loaded;
  if (static_cast<std::int64_t>(tokenizer.vocab_size()) > config.vocab)
    throw std::runtime_error(recipe.base + ": tokenizer.json has " +
                             std::to_string(tokenizer.vocab_size()) + " tokens, the model " +
                             std::to_string(config.vocab) + ": they do not belong together");
  if (recipe.context > config.max_positions)
    throw std::invalid_argument("[data] context of " + std::to_string(recipe.context) +
                                " tokens is longer than the base's " +
                                std::to_string(config.max_positions) + " positions");
  return config;
}

Decoder load_base(const Recipe& recipe, const Tokenizer& tokenizer) {
  base_config(recipe, tokenizer);
  auto model = Decoder::load(recipe.base);
  if (!model) throw std::runtime_error(model.error());
  return std::move(*model);
}

TokenPairs load_pairs(const Recipe& recipe, const Tokenizer& tokenizer) {
  const auto pairs = read_pairs(recipe.pairs);
  if (!pairs) throw std::runtime_error(pairs.error());
  TokenPairs out =
      tokenize_pairs(tokenizer, *pairs, {.family = recipe.family, .context = recipe.context});
  if (out.pairs.empty())
    throw std::runtime_error(
        "nothing to train on: " + recipe.pairs + " holds " + std::to_string(pairs->size()) +
        " pairs, of which " + std::to_string(out.heldout) + " are held out, " +
        std::to_string(out.too_long) + " too long for [data] context, " +
        std::to_string(out.alike) + " without a difference, " + std::to_string(out.weightless) +
        " of weight 0. No adapter was written; collect more pairs, or export others.");
  prepare_comparison(recipe, out.pairs);
  return out;
}

}  // namespace strop::trainer
