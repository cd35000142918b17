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

constexpr PreferenceTerm kAllTerms[] = {PreferenceTerm::kSigmoid,     PreferenceTerm::kRobust,
                                        PreferenceTerm::kHinge,       PreferenceTerm::kIpo,
                                        PreferenceTerm::kSigmoidNorm, PreferenceTerm::kApoZero,
                                        PreferenceTerm::kSimpo};

// The published parity case: policy and reference log-probs of three pairs, β = 0.1.
const PairLogProbs& parity_policy() {
  static const PairLogProbs value{doubles({-.5, -10, -1}), doubles({-.1, -30, -21})};
  return value;
}
const PairLogProbs& parity_reference() {
  static const PairLogProbs value{doubles({-.5, -10.1, -.1}), doubles({-.1, -20.1, -.1})};
  return value;
}
const PairLengths& some_lengths() {
  static const PairLengths value{doubles({1, 4, 2}), doubles({2, 5, 10})};
  return value;
}

torch::Tensor parity_loss(PreferenceTerm term, const std::vector<double>& epsilon = {0, 0, 0}) {
  return preference_loss({.term = term}, parity_policy(), parity_reference(), some_lengths(),
                         doubles(epsilon));
}

void expect_loss(PreferenceTerm term, const std::vector<double>& wanted) {
  const torch::Tensor loss = parity_loss(term);
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(loss[i].item<double>(), wanted[static_cast<std::size_t>(i)], 1e-6)
        << term_name(term) << ' ' << i;
}

double minus_log_sigmoid(double x) { return std::log1p(std::exp(-x)); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(PreferenceLoss, IsThatOfTheReferenceImplementation) {
  expect_loss(PreferenceTerm::kSigmoid, {0.693147, 0.313262, 0.126928});
  expect_loss(PreferenceTerm::kHinge, {1, 0, 0});
}

// Log-ratios are 0 and 0; 0.1 and −9.9; −0.9 and −20.9.
TEST(PreferenceLoss, OtherTermsAreTheirFormulas) {
  expect_loss(PreferenceTerm::kRobust, {0.693147, 0.313262, 0.126928});
  const auto ipo = [](double margin) { return (margin - 5) * (margin - 5); };
  expect_loss(PreferenceTerm::kIpo, {25, ipo(.1 / 4 + 9.9 / 5), ipo(-.9 / 2 + 20.9 / 10)});
  expect_loss(PreferenceTerm::kSigmoidNorm,
              {std::log(2.0), minus_log_sigmoid(.1 * (.1 / 4 + 9.9 / 5)),
               minus_log_sigmoid(.1 * (-.9 / 2 + 20.9 / 10))});
  expect_loss(PreferenceTerm::kApoZero,
              {1, 1 - sigmoid(.01) + sigmoid(-.99), 1 - sigmoid(-.09) + sigmoid(-2.09)});
  expect_loss(PreferenceTerm::kSimpo, {minus_log_sigmoid(.1 * (-.5 + .1 / 2) - .5),
                                       minus_log_sigmoid(.1 * (-10. / 4 + 30. / 5) - .5),
                                       minus_log_sigmoid(.1 * (-1. / 2 + 21. / 10) - .5)});
}

// cDPO, −(1−ε)·log σ(m) − ε·log σ(−m), with m = 1 for the second pair.
TEST(PreferenceLoss, EpsilonIsTheShareOfFlippedLabels) {
  const torch::Tensor loss = parity_loss(PreferenceTerm::kSigmoid, {.1, .1, .5});
  EXPECT_NEAR(loss[0].item<double>(), std::log(2.0), 1e-9);
  const double right = minus_log_sigmoid(1);
  EXPECT_NEAR(loss[1].item<double>(), .9 * right + .1 * (right + 1), 1e-9);
  const double two = minus_log_sigmoid(2);
  EXPECT_NEAR(loss[2].item<double>(), .5 * two + .5 * (two + 2), 1e-6);
}

// The mean over labels of which a share ε is flipped is the loss under the right labels.
TEST(PreferenceLoss, RobustIsUnbiased) {
  const double epsilon = .2;
  const torch::Tensor right = parity_loss(PreferenceTerm::kRobust, {.2, .2, .2});
  const torch::Tensor flipped = preference_loss(
      {.term = PreferenceTerm::kRobust}, {parity_policy().rejected, parity_policy().chosen},
      {parity_reference().rejected, parity_reference().chosen},
      {some_lengths().rejected, some_lengths().chosen}, doubles({epsilon, epsilon, epsilon}));
  const torch::Tensor clean = parity_loss(PreferenceTerm::kSigmoid);
  const torch::Tensor mean = (1 - epsilon) * right + epsilon * flipped;
  EXPECT_LT((mean - clean).abs().max().item<double>(), 1e-12);
}

TEST(PreferenceLoss, AtTheReferenceItIsLn2WhateverEpsilon) {
  const PairLogProbs same{doubles({-3, -7}), doubles({-5, -2})};
  const PairLogProbs zero = rewards(same, same, 0.1);
  EXPECT_EQ(zero.chosen.abs().max().item<double>(), 0);
  EXPECT_EQ(zero.rejected.abs().max().item<double>(), 0);
  const torch::Tensor loss =
      preference_loss({}, same, same, {doubles({2, 3}), doubles({1, 1})}, doubles({0, .3}));
  EXPECT_NEAR(loss[0].item<double>(), std::log(2.0), 1e-12);
  EXPECT_NEAR(loss[1].item<double>(), std::log(2.0), 1e-12);
}

TEST(PreferenceLoss, FarOffItStaysANumber) {
  for (const PreferenceTerm term : kAllTerms) {
    const torch::Tensor loss = preference_loss(
        {.term = term}, {doubles({1e5, -1e5}), doubles({-1e5, 1e5})},
        {doubles({0, 0}), doubles({0, 0})}, {doubles({1, 1}), doubles({1, 1})}, doubles({0, .3}));
    EXPECT_TRUE(torch::isfinite(loss).all().item<bool>()) << term_name(term);
  }
  const torch::Tensor sigmoid_loss = preference_loss(
      {}, {doubles({1e5, -1e5}), doubles({-1e5, 1e5})}, {doubles({0, 0}), doubles({0, 0})},
      {doubles({1, 1}), doubles({1, 1})}, doubles({0, 0}));
  EXPECT_NEAR(sigmoid_loss[0].item<double>(), 0, 1e-9);
  EXPECT_NEAR(sigmoid_loss[1].item<double>(), 2e4, 1e-6);
}

TEST(PreferenceLoss, EveryTermHasAName) {
  for (const PreferenceTerm term : kAllTerms) EXPECT_EQ(term_by_name(term_name(term)), term);
  EXPECT_EQ(term_by_name("orpo"), std::nullopt);
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

// None of the points is at the hinge's corner.
TEST(PreferenceLoss, ItsGradientIsItsSlope) {
  const PairLogProbs reference{doubles({-2, -4, -1}), doubles({-3, -3, -9})};
  const torch::Tensor epsilon = doubles({0, .2, .4});
  const torch::Tensor chosen = doubles({-1, -5.2, -2});
  const torch::Tensor rejected = doubles({-2.5, -6, -3});
  for (const PreferenceTerm term : kAllTerms) {
    const PreferenceOptions options{.term = term, .beta = 0.5, .gamma = 0.7};
    SCOPED_TRACE(term_name(term));
    expect_gradient(
        [&](const torch::Tensor& x) {
          return preference_loss(options, {x, rejected}, reference, some_lengths(), epsilon);
        },
        chosen);
    expect_gradient(
        [&](const torch::Tensor& x) {
          return preference_loss(options, {chosen, x}, reference, some_lengths(), epsilon);
        },
        rejected);
  }
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
