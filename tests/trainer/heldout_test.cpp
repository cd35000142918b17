// Measuring held-out pairs while a run goes on: the best weights are kept, the run ends when
// nothing gets better, and a run that was killed does the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "some_run.h"
#include "temporary_folder.h"
#include "trainer/best_weights.h"

namespace strop::trainer {
namespace {

StepMeasures measured(double loss, double accuracy = 0) {
  StepMeasures out;
  out.loss = loss;
  out.accuracy = accuracy;
  return out;
}

struct Parameters {
  std::vector<NamedParameter> all{{"a", torch::zeros({2})}};
  void set(double value) { all[0].tensor.fill_(value); }
  double get() const { return all[0].tensor[0].item<double>(); }
};

TEST(BestWeights, KeepsThoseOfTheLowestLossAndPutsThemBack) {
  const EvaluateRecipe recipe{.every = 1, .best = "loss"};
  BestWeights best(recipe);
  Parameters parameters;
  const double losses[] = {3, 2, 2, 2.5};
  for (int step = 1; step <= 4; ++step) {
    parameters.set(step);
    EXPECT_EQ(best.offer(step, measured(losses[step - 1]), parameters.all), step <= 2) << step;
  }
  best.put_back(parameters.all);
  EXPECT_EQ(best.step(), 2);
  EXPECT_EQ(parameters.get(), 2);
}

TEST(BestWeights, OfRewardsTheHigherIsTheBetter) {
  const EvaluateRecipe recipe{.every = 1, .best = "rewards/accuracies"};
  BestWeights best(recipe);
  Parameters parameters;
  EXPECT_TRUE(best.offer(1, measured(1, 0.5), parameters.all));
  EXPECT_TRUE(best.offer(2, measured(2, 0.6), parameters.all));
  EXPECT_FALSE(best.offer(3, measured(0, 0.4), parameters.all));
  StepMeasures margins;
  margins.reward_chosen = 3;
  margins.reward_rejected = 1;
  EXPECT_EQ(measure_to_lower(margins, "rewards/margins"), -2);
}

TEST(BestWeights, GivesUpWhenPatienceIsAtItsEnd) {
  const EvaluateRecipe recipe{.every = 1, .best = "loss", .patience = 2};
  BestWeights best(recipe);
  const Parameters parameters;
  const double losses[] = {3, 4, 2, 2, std::nan("")};
  std::vector<bool> gave_up;
  for (const double loss : losses) {
    best.offer(static_cast<std::int64_t>(gave_up.size()) + 1, measured(loss), parameters.all);
    gave_up.push_back(best.gives_up());
  }
  EXPECT_THAT(gave_up, testing::ElementsAre(false, false, false, false, true));
  EXPECT_EQ(best.step(), 3);
}

TEST(BestWeights, WithoutAMeasureNothingIsKept) {
  const EvaluateRecipe recipe{.every = 1};
  BestWeights best(recipe);
  Parameters parameters;
  EXPECT_FALSE(best.offer(1, measured(1), parameters.all));
  parameters.set(7);
  best.put_back(parameters.all);
  EXPECT_EQ(parameters.get(), 7);
}

TEST(BestWeights, GoesWithACheckpoint) {
  const EvaluateRecipe recipe{.every = 1, .best = "loss", .patience = 2};
  BestWeights first(recipe);
  Parameters parameters;
  parameters.set(5);
  first.offer(1, measured(1), parameters.all);
  first.offer(2, measured(2), parameters.all);
  NamedTensors tensors;
  first.add_to(tensors);
  BestWeights again(recipe);
  EXPECT_THROW(again.restore(first.state(), {}, parameters.all), std::runtime_error);
  again.restore(first.state(), tensors, parameters.all);
  EXPECT_FALSE(again.offer(3, measured(1.5), parameters.all));
  EXPECT_TRUE(again.gives_up());
  parameters.set(0);
  again.put_back(parameters.all);
  EXPECT_EQ(parameters.get(), 5);
}

// Pairs by other seeds: what is learnt of the ones does these no good, and soon harm.
class HeldOut : public testing::Test {
 protected:
  HeldOut() {
    recipe_.train.epochs = 10;
    recipe_.evaluate = {.every = 3, .best = "loss"};
  }

  LoopResult run(Decoder& model, const std::string& folder = "", int threads = 1) const {
    LoopOptions options{.threads = threads, .folder = folder, .fingerprint = {{"run", 1}}};
    options.heldout = &heldout_;
    return train_pairs(model, some_pairs(10), recipe_, options);
  }

  // All of them in one step: it begins with what the weights think of them.
  StepMeasures first_step_on_heldout(Decoder& model) const {
    Recipe one_step = recipe_;
    one_step.method = Method::kSft;
    one_step.objective.preference = 0;
    one_step.train.batch = 7;
    one_step.train.epochs = 1;
    one_step.evaluate = {};
    return train_pairs(model, heldout_, one_step, {}).history.first();
  }

  std::vector<TokenPair> heldout_ = some_pairs(7, 1000);
  Recipe recipe_ = some_recipe();
};

TEST_F(HeldOut, AreMeasuredAsOftenAsToldAndAtTheEnd) {
  recipe_.train.epochs = 3;  // of three steps
  recipe_.evaluate = {.every = 4};
  const TemporaryFolder folder;
  Decoder model = trainee(recipe_);
  const LoopResult result = run(model, folder.path());
  std::vector<std::int64_t> steps;
  for (const auto& [step, measures] : result.heldout) steps.push_back(step);
  EXPECT_THAT(steps, testing::ElementsAre(4, 8, 9));
  EXPECT_EQ(result.best_step, 0);
  std::istringstream log(read_bytes(folder / "metrics.jsonl"));
  std::size_t lines = 0;
  for (std::string line; std::getline(log, line);) {
    const auto json = nlohmann::json::parse(line);
    if (!json.contains("heldout/loss")) continue;
    EXPECT_EQ(json.at("step"), result.heldout.at(lines).first);
    EXPECT_EQ(json.at("heldout/loss"), result.heldout.at(lines).second.loss);
    EXPECT_TRUE(json.contains("heldout/rewards/margins"));
    ++lines;
  }
  EXPECT_EQ(lines, 3U);
}

TEST_F(HeldOut, MeasuringChangesNothingOfWhatIsLearnt) {
  recipe_.evaluate = {.every = 2};
  Decoder model = trainee(recipe_);
  run(model);
  Recipe without = recipe_;
  without.evaluate = {};
  expect_equal(weights_of(model), weights_after(without, {}));
}

TEST_F(HeldOut, WhatIsMeasuredIsTheLossOfTheseWeights) {
  recipe_.train.epochs = 1;
  recipe_.evaluate = {.every = 3};
  Decoder model = trainee(recipe_);
  const StepMeasures measured = run(model).heldout.back().second;
  // A step on those pairs themselves begins with the same.
  const StepMeasures first = first_step_on_heldout(model);
  EXPECT_NEAR(measured.likelihood, first.likelihood, 1e-5);
  EXPECT_NEAR(measured.prompt, first.prompt, 1e-5);
}

TEST_F(HeldOut, TheModelEndsWithItsBestWeights) {
  Decoder model = trainee(recipe_);
  const LoopResult result = run(model);
  double least = 1e9;
  std::int64_t best = 0;
  for (const auto& [step, measures] : result.heldout)
    if (measures.loss < least) {
      least = measures.loss;
      best = step;
    }
  ASSERT_LT(best, result.history.steps()) << "nothing got worse";
  EXPECT_EQ(result.best_step, best);
  // One step more from there begins with that loss.
  const StepMeasures first = first_step_on_heldout(model);
  for (const auto& [step, measures] : result.heldout) {
    if (step != best) continue;
    EXPECT_NEAR(measures.likelihood, first.likelihood, 1e-5);
  }
}

TEST_F(HeldOut, ARunThatGetsNoBetterEndsEarly) {
  recipe_.evaluate.patience = 2;
  Decoder model = trainee(recipe_);
  const LoopResult result = run(model);
  EXPECT_TRUE(result.gave_up);
  EXPECT_LT(result.history.steps(), step_count(10, recipe_.train));
  EXPECT_EQ(result.history.steps(), result.best_step + 2 * recipe_.evaluate.every);
}

TEST_F(HeldOut, CutOffAndGoneOnWithItIsTheSameRunOnAnyNumberOfThreads) {
  recipe_.evaluate.patience = 2;
  recipe_.train.checkpoint_every = 4;
  const TemporaryFolder folder;
  Decoder whole = trainee(recipe_);
  const LoopResult one = run(whole);
  Decoder first = trainee(recipe_);
  run(first, folder.path(), 2);
  ASSERT_TRUE(std::filesystem::exists(folder / "checkpoint"));
  Decoder second = trainee(recipe_);
  const LoopResult two = run(second, folder.path(), 2);
  expect_equal(weights_of(whole), weights_of(second));
  EXPECT_EQ(one.best_step, two.best_step);
  ASSERT_EQ(one.heldout.size(), two.heldout.size());
  for (std::size_t i = 0; i < one.heldout.size(); ++i) {
    EXPECT_EQ(one.heldout[i].first, two.heldout[i].first);
    EXPECT_EQ(one.heldout[i].second.loss, two.heldout[i].second.loss);
  }
}

}  // namespace
}  // namespace strop::trainer
