// Text from a decoder: many prompts at once, for evaluation. For serving: continuous_batch.h.
//
// Borrows decoder and tokenizer, which must outlive it; one thread at a time. Shapes: B sequences,
// T tokens of the longest prompt. Lengths are tokens. What a completion holds and when it ends:
// sampling.h. Errors: an empty prompt, a token outside the vocabulary, or a prompt that leaves no
// room in the model's positions is std::invalid_argument (cut it with fit_prompt first); damaged
// weights are std::runtime_error.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "trainer/model/decoder.h"
#include "trainer/sampling.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct GenerateOptions {
  std::int64_t max_tokens = 32;  // fewer when the model's positions end
  double temperature = 0;
  double top_p = 1;
  std::size_t top_k = 0;  // 0: of all tokens
  std::uint64_t seed = 0;
  std::vector<std::string> stop;       // texts before which a completion ends
  std::size_t alternatives = 0;        // log-probs of the likeliest tokens beside the chosen one
  std::function<bool()> is_cancelled;  // asked between tokens; may be empty
};

// One completion for each prompt, in their order. Prompts are computed in batches of near lengths,
// padded on the left; a completion does not depend on the others in its batch beyond rounding.
std::vector<Completion> generate_batch(const Decoder& model, const Tokenizer& tokenizer,
                                       const std::vector<std::vector<TokenId>>& prompts,
                                       const GenerateOptions& options, std::size_t batch = 32);

// New tokens that the model's positions leave room for after this prompt, of `max_tokens`. Throws
// as above.
std::int64_t room_after(std::span<const TokenId> prompt, const ModelConfig& config,
                        std::int64_t max_tokens);

// How row `row` of several draws; rows draw apart from each other.
SamplerOptions sampler_options(const GenerateOptions& options, double temperature, std::size_t row);

}  // namespace strop::trainer
