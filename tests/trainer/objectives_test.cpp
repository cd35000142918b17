// The terms of the loss against numbers worked out by hand and against finite differences in fp64.
#include "trainer/objectives/preference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "trainer/objectives/likelihood.h"

namespace strop::trainer {
namespace {

torch::Tensor doubles(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}

// The published parity case: policy and reference log-probs of three pairs, β = 0.1.
PairLogProbs parity_rewards() {
  return rewards({doubles({-.5, -10, -1}), doubles({-.1, -30, -21})},
                 {doubles({-.5, -10.1, -.1}), doubles({-.1, -20.1, -.1})}, 0.1);
}

TEST(PreferenceLoss, IsThatOfTheReferenceImplementation) {
  const torch::Tensor loss = preference_loss(parity_rewards(), torch::zeros({3}, torch::kFloat64));
  const double wanted[] = {0.693147, 0.313262, 0.126928};
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(loss[i].item<double>(), wanted[i], 1e-6);
}

// cDPO, −(1−ε)·log σ(m) − ε·log σ(−m), with m = 1 for the second pair.
TEST(PreferenceLoss, EpsilonIsTheShareOfFlippedLabels) {
  const torch::Tensor loss = preference_loss(parity_rewards(), doubles({.1, .1, .5}));
  EXPECT_NEAR(loss[0].item<double>(), std::log(2.0), 1e-9);
  const double right = std::log1p(std::exp(-1.0));
  EXPECT_NEAR(loss[1].item<double>(), .9 * right + .1 * (right + 1), 1e-9);
  const double two = std::log1p(std::exp(-2.0));
  EXPECT_NEAR(loss[2].item<double>(), .5 * two + .5 * (two + 2), 1e-6);
}

TEST(PreferenceLoss, AtTheReferenceItIsLn2WhateverEpsilon) {
  const PairLogProbs same{doubles({-3, -7}), doubles({-5, -2})};
  const PairLogProbs zero = rewards(same, same, 0.1);
  EXPECT_EQ(zero.chosen.abs().max().item<double>(), 0);
  EXPECT_EQ(zero.rejected.abs().max().item<double>(), 0);
  const torch::Tensor loss = preference_loss(zero, doubles({0, .3}));
  EXPECT_NEAR(loss[0].item<double>(), std::log(2.0), 1e-12);
  EXPECT_NEAR(loss[1].item<double>(), std::log(2.0), 1e-12);
}

TEST(PreferenceLoss, FarOffItStaysANumber) {
  const torch::Tensor loss = preference_loss({doubles({1e4, -1e4}), doubles({-1e4, 1e4})},
                                             torch::zeros({2}, torch::kFloat64));
  EXPECT_NEAR(loss[0].item<double>(), 0, 1e-9);
  EXPECT_NEAR(loss[1].item<double>(), 2e4, 1e-6);
}

// Gradients against central differences.
void expect_gradient(const std::function<torch::Tensor(const torch::Tensor&)>& loss,
                     torch::Tensor at) {
  torch::Tensor x = at.clone().set_requires_grad(true);
  loss(x).sum().backward();
  const double step = 1e-6;
  for (std::int64_t i = 0; i < at.numel(); ++i) {
    const auto shifted = [&](double by) {
      torch::Tensor moved = at.clone();
      moved.view(-1)[i] += by;
      return loss(moved).sum().item<double>();
    };
    EXPECT_NEAR(x.grad().view(-1)[i].item<double>(), (shifted(step) - shifted(-step)) / (2 * step),
                1e-6);
  }
}

TEST(PreferenceLoss, ItsGradientIsItsSlope) {
  const PairLogProbs reference{doubles({-2, -4, -1}), doubles({-3, -3, -9})};
  const torch::Tensor epsilon = doubles({0, .2, .4});
  const torch::Tensor rejected = doubles({-2.5, -6, -3});
  expect_gradient(
      [&](const torch::Tensor& chosen) {
        return preference_loss(rewards({chosen, rejected}, reference, 0.5), epsilon);
      },
      doubles({-1, -5, -2}));
  const torch::Tensor chosen = doubles({-1, -5, -2});
  expect_gradient(
      [&](const torch::Tensor& other) {
        return preference_loss(rewards({chosen, other}, reference, 0.5), epsilon);
      },
      rejected);
}

TEST(Likelihood, TokenLogProbsAreThoseOfTheSoftmax) {
  const torch::Tensor logits = torch::tensor({{0.0, std::log(3.0)}, {1.0, 1.0}}, torch::kFloat64);
  const torch::Tensor got = token_log_probs(logits, torch::tensor({1, 0}, torch::kInt64));
  EXPECT_NEAR(got[0].item<double>(), std::log(0.75), 1e-12);
  EXPECT_NEAR(got[1].item<double>(), std::log(0.5), 1e-12);
}

TEST(Likelihood, MeansAreByText) {
  const torch::Tensor texts = torch::tensor({0, 0, 2}, torch::kInt64);
  const torch::Tensor mean = mean_nll(doubles({-1, -3, -5}), texts, 3);
  EXPECT_DOUBLE_EQ(mean[0].item<double>(), 2);
  EXPECT_DOUBLE_EQ(mean[1].item<double>(), 0);
  EXPECT_DOUBLE_EQ(mean[2].item<double>(), 5);
}

TEST(Likelihood, ItsGradientIsItsSlope) {
  const torch::Tensor targets = torch::tensor({2, 0, 1}, torch::kInt64);
  const torch::Tensor texts = torch::tensor({0, 1, 1}, torch::kInt64);
  torch::manual_seed(3);
  expect_gradient(
      [&](const torch::Tensor& logits) {
        return mean_nll(token_log_probs(logits, targets), texts, 2);
      },
      torch::randn({3, 4}, torch::kFloat64));
}

}  // namespace
}  // namespace strop::trainer
