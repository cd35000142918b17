// Which pairs a step takes, and whose completion stands against whose prompt.
#include "trainer/step_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace strop::trainer {
namespace {

using testing::ElementsAre;

Recipe recipe(Method method, std::int64_t batch = 4) {
  Recipe out;
  out.method = method;
  out.train.batch = batch;
  out.train.epochs = 3;
  return out;
}

using Step = std::vector<std::size_t>;

std::vector<Step> epoch_of(StepOrder& order, std::size_t epoch) {
  std::vector<Step> out;
  for (std::size_t i = 0; i < order.steps_an_epoch(); ++i)
    out.push_back(order.pairs_of(static_cast<std::int64_t>(epoch * order.steps_an_epoch() + i)));
  return out;
}

TEST(StepOrder, AnEpochTakesEachPairOnceInStepsOfNearlyTheSameSize) {
  for (const Method method : {Method::kDpo, Method::kKto}) {
    StepOrder order(10, recipe(method));
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
      std::multiset<std::size_t> seen;
      for (const Step& step : epoch_of(order, epoch)) {
        EXPECT_THAT(step.size(), testing::AnyOf(3U, 4U));
        seen.insert(step.begin(), step.end());
      }
      EXPECT_EQ(seen.size(), 10U);
      EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 10U);
    }
  }
  EXPECT_EQ(step_count(10, recipe(Method::kDpo).train), 9);
}

TEST(StepOrder, AStepFollowsFromSeedAndStepAlone) {
  StepOrder order(10, recipe(Method::kDpo));
  StepOrder again(10, recipe(Method::kDpo));
  const auto first = epoch_of(order, 0);
  EXPECT_NE(first, epoch_of(order, 1));
  again.pairs_of(8);
  EXPECT_EQ(again.pairs_of(1), first[1]);
  Recipe other = recipe(Method::kDpo);
  other.train.seed = 2;
  StepOrder of_another(10, other);
  EXPECT_NE(epoch_of(of_another, 0), first);
}

TEST(StepOrder, KtosStepsStayTheSameInAnotherOrder) {
  StepOrder order(40, recipe(Method::kKto));
  auto first = epoch_of(order, 0);
  auto second = epoch_of(order, 1);
  EXPECT_NE(first, second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  EXPECT_EQ(first, second);
}

std::vector<TokenPair> examples(std::size_t count) {
  std::vector<TokenPair> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i].chosen = {static_cast<TokenId>(i)};
  return out;
}

std::vector<TokenId> mismatches_of(std::size_t count, std::int64_t batch) {
  auto all = examples(count);
  set_mismatches(all, recipe(Method::kKto, batch));
  std::vector<TokenId> out;
  for (const TokenPair& one : all) out.push_back(one.rejected.at(0));
  return out;
}

TEST(Mismatches, EachPromptGetsTheCompletionBeforeItInItsStep) {
  EXPECT_THAT(mismatches_of(6, 3), ElementsAre(2, 0, 1, 5, 3, 4));
  EXPECT_THAT(mismatches_of(5, 3), ElementsAre(1, 0, 4, 2, 3));
}

TEST(Mismatches, AStepOfOneTakesAnothers) {
  EXPECT_THAT(mismatches_of(3, 2), ElementsAre(2, 2, 1));
}

TEST(Mismatches, AreOfTheStepsThatAreTaken) {
  auto all = examples(11);
  const Recipe how = recipe(Method::kKto);
  set_mismatches(all, how);
  StepOrder order(all.size(), how);
  for (std::int64_t step = 0; step < step_count(all.size(), how.train); ++step) {
    std::set<TokenId> own;
    std::set<TokenId> others;
    for (const std::size_t i : order.pairs_of(step)) {
      own.insert(all[i].chosen.begin(), all[i].chosen.end());
      others.insert(all[i].rejected.begin(), all[i].rejected.end());
    }
    EXPECT_EQ(own, others) << step;
  }
}

}  // namespace
}  // namespace strop::trainer
