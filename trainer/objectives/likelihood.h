// The likelihood of a text: the supervised loss, RPO's second term, and the language model's loss
// on the prompt are all the mean of it over a text's tokens.
//
// Pure functions of tensors, differentiable; any thread. Shapes: R rows of logits over V tokens, of
// N texts. Units: nats. Sources: RPO, Pang et al. 2024, "Iterative Reasoning Preference
// Optimization", eq. 1. No errors: shapes that do not agree are c10::Error.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

// log p of each row's target: logits [R, V], targets int64 [R] → [R].
torch::Tensor token_log_probs(const torch::Tensor& logits, const torch::Tensor& targets);

// Sums over the rows of each text: values [R], text int64 [R] in 0 … count − 1 → [count].
torch::Tensor sum_by_text(const torch::Tensor& values, const torch::Tensor& text,
                          std::int64_t count);

// −mean log p over each text's tokens, [count]; 0 for a text without any.
torch::Tensor mean_nll(const torch::Tensor& log_probs, const torch::Tensor& text,
                       std::int64_t count);

}  // namespace strop::trainer
