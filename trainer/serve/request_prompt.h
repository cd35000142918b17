// A request's prompt: what surrounds the cursor, and in front of it as much of other files as there
// is room for.
//
// A pure function of the tokenizer (whose cache makes it one thread's). Lengths are tokens. Errors:
// std::invalid_argument as fit_prompt's.
#pragma once

#include <cstddef>
#include <vector>

#include "schema/fim.h"
#include "trainer/serve/completion_request.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

// Other files stand as llama.cpp puts them: each behind the vocabulary's token for that and its
// name, or where there is none behind a line that says "snippet".
std::vector<TokenId> request_prompt(const Tokenizer& tokenizer, schema::FimFamily family,
                                    const CompletionRequest& request, std::size_t budget);

}  // namespace strop::trainer
