// The head in chunks, against all logits at once.
#include "trainer/model/token_scores.h"

#include <gtest/gtest.h>

#include "tiny_model.h"
#include "trainer/objectives/likelihood.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

class TokenScores : public testing::TestWithParam<std::int64_t> {
 protected:
  TokenScores() { torch::manual_seed(2); }
  Tensor hidden_ = torch::randn({GetParam(), 16}, torch::kFloat64).requires_grad_();
  Tensor head_ = torch::randn({70, 16}, torch::kFloat64);
  Tensor targets_ = torch::randint(0, 70, {GetParam()}, torch::kInt64);
};

INSTANTIATE_TEST_SUITE_P(Rows, TokenScores, testing::Values(1, 128, 300));

TEST_P(TokenScores, AreThoseOfAllLogitsAtOnce) {
  for (const bool trained : {false, true}) {
    head_.requires_grad_(trained);
    std::vector<Tensor> inputs{hidden_};
    if (trained) inputs.push_back(head_);
    const Tensor are = token_scores(hidden_, head_, targets_);
    const Tensor should = token_log_probs(torch::linear(hidden_, head_), targets_);
    EXPECT_LE(largest_difference(are, should), 1e-12);
    const Tensor along = torch::randn_like(are);
    const auto slopes = torch::autograd::grad({(are * along).sum()}, inputs);
    const auto wanted = torch::autograd::grad({(should * along).sum()}, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      EXPECT_LE(largest_difference(slopes[i], wanted[i]), 1e-12) << i;
  }
}

TEST_P(TokenScores, OfHalfPrecisionAreSummedInFull) {
  const Tensor hidden = hidden_.detach().to(torch::kBFloat16);
  const Tensor head = head_.to(torch::kBFloat16);
  const Tensor are = token_scores(hidden, head, targets_);
  EXPECT_EQ(are.scalar_type(), torch::kFloat32);
  const Tensor should = token_log_probs(
      torch::linear(hidden.to(torch::kFloat32), head.to(torch::kFloat32)), targets_);
  EXPECT_LE(largest_difference(are, should), 0.1);
}

}  // namespace
}  // namespace strop::trainer
