// Text from a decoder: many prompts at once for evaluation, one at a time with little delay for
// serving.
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

// Completions of one prompt after another. Keys and values of the last prompt are kept, so what a
// prompt shares with the one before it is not computed again.
class Generator {
 public:
  Generator(const Decoder& model, const Tokenizer& tokenizer)
      : model_(model), tokenizer_(tokenizer) {}

  // `count` completions. With one, the options' temperature holds. With more, the first is the
  // likeliest text and the others are drawn, at temperature 0.8 if the options have none.
  std::vector<Completion> complete(std::span<const TokenId> prompt, std::size_t count,
                                   const GenerateOptions& options);

  // Tokens of the last prompt that did not have to be computed.
  std::int64_t reused() const { return reused_; }

 private:
  torch::Tensor prefill(std::span<const TokenId> prompt, std::int64_t room,
                        const GenerateOptions& options);
  void reserve(std::int64_t length);
  KvCache copies(std::size_t count, std::int64_t room) const;

  const Decoder& model_;
  const Tokenizer& tokenizer_;
  KvCache cache_;                // of one sequence
  std::vector<TokenId> cached_;  // the tokens it holds
  std::int64_t capacity_ = 0;
  std::int64_t reused_ = 0;
};

}  // namespace strop::trainer
