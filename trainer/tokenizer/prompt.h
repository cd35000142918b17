// A prompt's tokens within a budget: the prefix loses its beginning, the suffix its end, what is
// next to the cursor stays. Training and serving cut alike by sharing this.
//
// Pure functions of the tokenizer (whose cache makes them one thread's). Errors:
// std::invalid_argument for a budget with no room for text, and for a FIM family whose tokens the
// vocabulary lacks.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "schema/fim.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

// When both are long, the suffix has a quarter of the room; what one side leaves the other takes.
// Never empty: at the beginning of an empty file the family's end token stands.
std::vector<TokenId> fit_prompt(const Tokenizer& tokenizer, schema::FimFamily family,
                                std::string_view prefix, std::string_view suffix,
                                std::size_t budget);

// The last `budget` of them.
std::vector<TokenId> fit_tokens(std::vector<TokenId> tokens, std::size_t budget);

}  // namespace strop::trainer
