// KTO: the term against numbers worked out by hand and finite differences in fp64, and runs of it.
#include "trainer/objectives/unpaired.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "some_run.h"
#include "temporary_folder.h"

namespace strop::trainer {
namespace {

torch::Tensor doubles(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64);
}
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(ReferencePoint, IsTheMeanDriftButNotBelowZero) {
  EXPECT_DOUBLE_EQ(reference_point(doubles({-3, -5}), doubles({-4, -9})), 2.5);
  EXPECT_EQ(reference_point(doubles({-3, -9}), doubles({-4, -5})), 0);
}

// r = 2 and −3, z = 0.5, β = 0.1.
TEST(UnpairedLoss, IsItsFormula) {
  const UnpairedOptions options{.beta = 0.1, .desirable = 1.5, .undesirable = 2};
  const torch::Tensor policy = doubles({-3, -8, -3, -8});
  const torch::Tensor reference = doubles({-5, -5, -5, -5});
  const torch::Tensor got =
      unpaired_loss(options, policy, reference, 0.5, doubles({1, 1, 0, 0}), doubles({0, 0, 0, 0}));
  const double wanted[] = {1.5 * (1 - sigmoid(0.15)), 1.5 * (1 - sigmoid(-0.35)),
                           2 * (1 - sigmoid(-0.15)), 2 * (1 - sigmoid(0.35))};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(got[i].item<double>(), wanted[i], 1e-12) << i;
  EXPECT_NEAR(got[0].item<double>(), 0.693855, 1e-6);
}

TEST(UnpairedLoss, EpsilonIsTheShareOfFlippedLabels) {
  const UnpairedOptions options{.beta = 0.3, .desirable = 1.5, .undesirable = 2};
  const auto loss = [&](double wanted, double epsilon) {
    return unpaired_loss(options, doubles({-3}), doubles({-5}), 0.5, doubles({wanted}),
                         doubles({epsilon}))
        .item<double>();
  };
  EXPECT_NEAR(loss(1, 0.2), 0.8 * loss(1, 0) + 0.2 * loss(0, 0), 1e-12);
  EXPECT_NEAR(loss(0, 0.2), 0.8 * loss(0, 0) + 0.2 * loss(1, 0), 1e-12);
}

TEST(UnpairedLoss, FarOffItStaysANumber) {
  const torch::Tensor got =
      unpaired_loss({}, doubles({1e5, -1e5, 1e5, -1e5}), doubles({0, 0, 0, 0}), 3,
                    doubles({1, 1, 0, 0}), doubles({0, 0, 0, 0}));
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(got[i].item<double>(), i == 0 || i == 3 ? 0 : 1, 1e-12) << i;
}

TEST(UnpairedLoss, ItsGradientIsItsSlope) {
  const UnpairedOptions options{.beta = 0.5, .desirable = 1.3, .undesirable = 0.8};
  const torch::Tensor at = doubles({-1, -5.2, -2, -7});
  const torch::Tensor reference = doubles({-2, -4, -1, -9});
  const auto loss = [&](const torch::Tensor& policy) {
    return unpaired_loss(options, policy, reference, 0.4, doubles({1, 1, 0, 0}),
                         doubles({0, .2, .4, 0}))
        .sum();
  };
  torch::Tensor x = at.clone().set_requires_grad(true);
  loss(x).backward();
  const double step = 1e-6;
  for (std::int64_t i = 0; i < at.numel(); ++i) {
    const auto shifted = [&](double by) {
      torch::Tensor moved = at.clone();
      moved[i] += by;
      return loss(moved).item<double>();
    };
    EXPECT_NEAR(x.grad()[i].item<double>(), (shifted(step) - shifted(-step)) / (2 * step), 1e-8);
  }
}

std::vector<TokenPair> some_examples(std::size_t count, const Recipe& recipe) {
  auto out = some_pairs(count);
  for (std::size_t i = 0; i < count; ++i) out[i].wanted = i % 3 != 0;
  set_mismatches(out, recipe);
  return out;
}

TEST(Kto, BeginsAtHalfWithRewardsOfExactlyZero) {
  const Recipe how = some_recipe(Method::kKto);
  Decoder model = trainee(how);
  const StepMeasures first = train_pairs(model, some_examples(10, how), how, {}).history.first();
  EXPECT_NEAR(first.preference, 0.5, 1e-6);
  EXPECT_EQ(first.reward_chosen, 0);
  EXPECT_EQ(first.reward_rejected, 0);
  EXPECT_EQ(first.reference_point, 0);
}

TEST(Kto, WhatWasWantedGainsAndWhatWasNotLoses) {
  Recipe how = some_recipe(Method::kKto);
  how.train.epochs = 20;
  how.objective.likelihood = how.objective.prompt = 0;
  how.objective.preference = 1;
  Decoder model = trainee(how);
  const LoopResult result = train_pairs(model, some_examples(10, how), how, {});
  const StepMeasures last = result.history.recent();
  EXPECT_LT(last.preference, 0.45);
  EXPECT_GT(last.reward_chosen, 0.1);
  EXPECT_LT(last.reward_rejected, -0.1);
  EXPECT_GT(last.accuracy, 0.9);
}

// The likelihood's term alone: what was not wanted is no text to be learnt.
TEST(Kto, LikelihoodIsOfWhatWasWantedAlone) {
  Recipe how = some_recipe(Method::kKto);
  how.objective.preference = how.objective.prompt = 0;
  auto examples = some_examples(4, how);
  for (TokenPair& example : examples) example.wanted = false;
  Decoder model = trainee(how);
  const LoopResult result = train_pairs(model, examples, how, {});
  EXPECT_EQ(result.history.recent().grad_norm, 0);
  EXPECT_TRUE(std::isnan(result.history.recent().likelihood));
}

// The reference point is the step's, not the shard's.
TEST(Kto, HowAStepIsCutChangesNothingButRounding) {
  Recipe how = some_recipe(Method::kKto);
  const auto examples = some_examples(8, how);
  const Weights twos = weights_after(how, {}, examples);
  how.train.shard = 4;
  const Weights fours = weights_after(how, {}, examples);
  for (std::size_t i = 0; i < twos.size(); ++i)
    EXPECT_LT(largest_difference(twos[i], fours[i]), 1e-4) << i;
}

TEST(Kto, CutOffAndGoneOnWithItIsTheSameRunOnAnyNumberOfThreads) {
  const TemporaryFolder folder;
  const Recipe how = some_recipe(Method::kKto);
  const auto examples = some_examples(10, how);
  const LoopOptions options{.threads = 2, .folder = folder.path(), .fingerprint = {{"run", 1}}};
  const Weights whole = weights_after(how, {}, examples);
  expect_equal(whole, weights_after(how, options, examples));
  ASSERT_TRUE(std::filesystem::exists(folder / "checkpoint"));
  expect_equal(whole, weights_after(how, options, examples));
}

}  // namespace
}  // namespace strop::trainer
