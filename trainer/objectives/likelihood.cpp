#include "trainer/objectives/likelihood.h"

namespace strop::trainer {

torch::Tensor token_log_probs(const torch::Tensor& logits, const torch::Tensor& targets) {
  return torch::log_softmax(logits, -1).gather(-1, targets.unsqueeze(-1)).squeeze(-1);
}

torch::Tensor sum_by_text(const torch::Tensor& values, const torch::Tensor& text,
                          std::int64_t count) {
  // Row by text instead of index_add, whose additions a GPU does in any order.
  const torch::Tensor its = torch::arange(count, text.options()).unsqueeze(1) == text.unsqueeze(0);
  return torch::where(its, values.unsqueeze(0), torch::zeros({}, values.options())).sum(1);
}

torch::Tensor mean_nll(const torch::Tensor& log_probs, const torch::Tensor& text,
                       std::int64_t count) {
  const torch::Tensor tokens = sum_by_text(torch::ones_like(log_probs), text, count);
  return -sum_by_text(log_probs, text, count) / tokens.clamp_min(1);
}

}  // namespace strop::trainer
