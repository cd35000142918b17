#include "trainer/run_inputs.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "trainer/compared_tokens.h"
#include "trainer/digest.h"
#include "trainer/records.h"
#include "trainer/step_order.h"

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
  for (TokenPair& pair : pairs) {
    choose_compared(pair, recipe.objective.compared);
    if (recipe.objective.term == PreferenceTerm::kRobust && pair.epsilon >= 0.5)
      throw std::invalid_argument(
          recipe.pairs + " holds a pair whose epsilon is " + std::to_string(pair.epsilon) +
          "; [objective] term = \"robust\" needs less than 0.5: take \"sigmoid\", or leave it out");
  }
}

// Kto's steps are cut from the examples as they come: a random order, in which those that are new
// leave the others where they were, so that most of the reference's scores are known.
void order_examples(std::vector<TokenPair>& examples) {
  std::vector<std::pair<std::string, TokenPair>> named;
  for (TokenPair& example : examples) {
    Digest digest;
    for (const auto* tokens : {&example.prompt, &example.chosen})
      digest.add({reinterpret_cast<const char*>(tokens->data()), tokens->size() * sizeof(TokenId)});
    named.emplace_back(digest.hex(), std::move(example));
  }
  std::stable_sort(named.begin(), named.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < named.size(); ++i) examples[i] = std::move(named[i].second);
}

// What the method needs beside the texts.
void prepare(const Recipe& recipe, std::vector<TokenPair>& pairs) {
  if (recipe.method == Method::kDpo) prepare_comparison(recipe, pairs);
  if (recipe.method != Method::kKto) return;
  order_examples(pairs);
  set_mismatches(pairs, recipe);
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
  const auto records = read_records(recipe.pairs, recipe.method);
  if (!records) throw std::runtime_error(records.error());
  TokenPairs out = tokenize_records(tokenizer, *records,
                                    {.family = recipe.family,
                                     .context = recipe.context,
                                     .with_heldout = recipe.evaluate.every > 0});
  const char* what = recipe.method == Method::kKto ? "examples" : "pairs";
  if (out.pairs.empty())
    throw std::runtime_error("nothing to train on: " + recipe.pairs + " holds " +
                             std::to_string(records->size()) + " " + what + ", of which " +
                             left_out_text(out) + ". No adapter was written; collect more " + what +
                             ", or export others.");
  if (recipe.method == Method::kKto && out.pairs.size() < 2)
    throw std::runtime_error(recipe.pairs +
                             " holds one example to train on, and kto sets one's prompt against "
                             "another's completion: collect more");
  if (recipe.evaluate.every > 0 &&
      out.heldout_pairs.size() < (recipe.method == Method::kKto ? 2U : 1U))
    throw std::runtime_error("[evaluate] measures what is held out, and " + recipe.pairs + " has " +
                             (out.heldout_pairs.empty() ? "nothing" : "too little") +
                             " of it: export with --split all, or remove [evaluate]");
  prepare(recipe, out.pairs);
  prepare(recipe, out.heldout_pairs);
  return out;
}

std::string left_out_text(const TokenPairs& data) {
  return std::to_string(data.heldout) + " are held out, " + std::to_string(data.too_long) +
         " too long for [data] context, " + std::to_string(data.alike) + " without a difference, " +
         std::to_string(data.weightless) + " of weight 0";
}

}  // namespace strop::trainer
