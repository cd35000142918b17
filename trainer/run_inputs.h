// What a run of `sft`, `dpo` or `kto` begins with, from the files that its recipe names, and
// whether they go together.
//
// Free functions; one thread. Errors: std::invalid_argument for a recipe that does not fit its base
// or its pairs, std::runtime_error for files that cannot be used and for nothing to train on; all
// say what to do.
#pragma once

#include <string>

#include "trainer/data.h"
#include "trainer/model/decoder.h"
#include "trainer/recipe.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

// The base's, which knows the special tokens of the recipe's template.
Tokenizer load_tokenizer(const Recipe& recipe);

// The base's shape alone: its tokens are the tokenizer's, its positions hold the recipe's context.
ModelConfig base_config(const Recipe& recipe, const Tokenizer& tokenizer);

Decoder load_base(const Recipe& recipe, const Tokenizer& tokenizer);

// With what the preference term is to compare, or kto's examples with their mismatches.
TokenPairs load_pairs(const Recipe& recipe, const Tokenizer& tokenizer);

// "12 are held out, 3 too long …", to stand behind their number.
std::string left_out_text(const TokenPairs& data);

}  // namespace strop::trainer
