// Layers that are computed again for the backward pass, against layers whose insides are kept.
#include "trainer/model/recomputed.h"

#include <gtest/gtest.h>

#include "tiny_model.h"
#include "trainer/loop.h"
#include "trainer/trainee.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

TEST(Recomputed, GivesTheSameValueAndGradients) {
  torch::manual_seed(2);
  const Tensor x = torch::randn({3, 4}, torch::kFloat64).requires_grad_();
  const Tensor weight = torch::randn({4, 4}, torch::kFloat64).requires_grad_();
  const auto part = [&](const Tensor& in) { return torch::tanh(torch::mm(in, weight)); };
  const auto gradients = [&](const Tensor& out) {
    x.mutable_grad() = weight.mutable_grad() = Tensor();
    out.square().sum().backward();
    return std::pair{x.grad().clone(), weight.grad().clone()};
  };
  const auto kept = gradients(part(part(x)));
  const auto again = gradients(recomputed(recomputed(x, {}, part), {}, part));
  EXPECT_EQ(largest_difference(kept.first, again.first), 0);
  EXPECT_EQ(largest_difference(kept.second, again.second), 0);
}

TEST(Recomputed, ItsLeavesLearnWhereWhatComesInDoesNot) {
  const Tensor x = torch::ones({2, 2});
  const Tensor weight = torch::ones({2, 2}).requires_grad_();
  recomputed(x, {}, [&](const Tensor& in) { return torch::mm(in, weight); }).sum().backward();
  EXPECT_EQ(largest_difference(weight.grad(), torch::full({2, 2}, 2.0)), 0);
  EXPECT_FALSE(x.grad().defined());
}

TEST(Recomputed, IsComputedTwiceAndKeepsNothingInside) {
  int times = 0;
  const Tensor x = torch::ones({2}).requires_grad_();
  const Tensor out = recomputed(x, {}, [&](const Tensor& in) {
    ++times;
    EXPECT_EQ(torch::GradMode::is_enabled(), times == 2);
    return in * in;
  });
  out.sum().backward();
  EXPECT_EQ(times, 2);
  EXPECT_EQ(largest_difference(x.grad(), torch::full({2}, 2.0)), 0);
}

// A whole run, with dropout, whose draws have to be the same the second time.
TEST(Recomputed, ARunIsTheSameBitForBit) {
  const auto trained = [](bool recompute, bool full) {
    Recipe recipe;
    recipe.train = {.full = full,
                    .rank = 4,
                    .alpha = 8,
                    .dropout = full ? 0 : 0.3,
                    .learning_rate = 1e-2,
                    .batch = 4,
                    .shard = 2,
                    .epochs = 3,
                    .recompute = recompute};
    std::vector<TokenPair> pairs;
    for (TokenId i = 0; i < 8; ++i)
      pairs.push_back({.prompt = {1, 2, i}, .chosen = {5, 6, i}, .rejected = {7, 6}});
    Trainee trainee(tiny_decoder(tiny_config()), recipe, torch::kFloat32);
    train_pairs(trainee.model(), pairs, recipe, {.threads = 2});
    std::vector<Tensor> out;
    for (const Tensor& tensor : trainee.model().trainable()) out.push_back(tensor.reshape(-1));
    return torch::cat(out).detach();
  };
  for (const bool full : {false, true})
    EXPECT_EQ(largest_difference(trained(true, full), trained(false, full)), 0) << full;
}

}  // namespace
}  // namespace strop::trainer
