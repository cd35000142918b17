// What a model gave the tokens of a text, and what of that a part of the text has.
//
// Values and pure functions, any thread. Places are bytes into the text, natural logarithms. No
// errors: what is not known is nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace strop::agent {

struct TokenLogprob {
  std::size_t begin = 0;  // it ends where the next begins
  std::optional<double> logprob;
  bool operator==(const TokenLogprob&) const = default;
};
using TokenLogprobs = std::vector<TokenLogprob>;  // in the text's order

// The tokens of what lies from `begin` to `end` in a text of so many bytes, by its own places: all
// that reach into it. Of one that is cut the whole counts, which is less than its part would have,
// but what that would have the model did not say.
TokenLogprobs tokens_within(const TokenLogprobs& tokens, std::size_t begin, std::size_t end,
                            std::size_t size);

// Nothing: there are none, or of one it is not known.
std::optional<double> summed(const TokenLogprobs& tokens);

}  // namespace strop::agent
