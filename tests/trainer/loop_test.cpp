// The training loop: where it starts, that it learns, and that nothing but weights, pairs and
// recipe decides where it ends.
#include "trainer/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "some_run.h"
#include "temporary_folder.h"
#include "trainer/checkpoint.h"
#include "trainer/compared_tokens.h"
#include "trainer/pair_batch.h"
#include "trainer/pair_terms.h"

namespace strop::trainer {
namespace {

TEST(Loop, StartsAtLn2WithRewardsOfExactlyZero) {
  Recipe how = some_recipe();
  Decoder model = trainee(how);
  const LoopResult result = train_pairs(model, some_pairs(10), how, {});
  EXPECT_NEAR(result.history.first().preference, std::log(2.0), 1e-6);
  EXPECT_EQ(result.history.first().reward_chosen, 0);
  EXPECT_EQ(result.history.first().reward_rejected, 0);
}

TEST(Loop, LearnsWhatItIsShown) {
  for (const Method method : {Method::kDpo, Method::kSft}) {
    Recipe how = some_recipe(method);
    how.train.epochs = 20;
    Decoder model = trainee(how);
    const LoopResult result = train_pairs(model, some_pairs(10), how, {});
    EXPECT_LT(result.history.recent().likelihood, 0.8 * result.history.first().likelihood);
    if (method == Method::kDpo) {
      EXPECT_GT(result.history.recent().accuracy, 0.9);
    }
  }
}

// The likelihood terms are switched off, so it is the preference that teaches.
TEST(Loop, EveryPreferenceTermPrefersTheChosen) {
  for (const PreferenceTerm term :
       {PreferenceTerm::kSigmoid, PreferenceTerm::kRobust, PreferenceTerm::kHinge,
        PreferenceTerm::kIpo, PreferenceTerm::kSigmoidNorm, PreferenceTerm::kApoZero,
        PreferenceTerm::kSimpo})
    for (const ComparedTokens compared :
         {ComparedTokens::kAll, ComparedTokens::kEdited, ComparedTokens::kFirst}) {
      Recipe how = some_recipe();
      how.train.epochs = 20;
      how.objective.term = term;
      how.objective.likelihood = how.objective.prompt = 0;
      how.objective.preference = 1;
      auto pairs = some_pairs(10);
      for (TokenPair& pair : pairs) choose_compared(pair, compared);
      Decoder model = trainee(how);
      const LoopResult result = train_pairs(model, pairs, how, {});
      SCOPED_TRACE(std::string(term_name(term)) + " " + std::string(compared_name(compared)));
      EXPECT_LT(result.history.recent().preference, result.history.first().preference);
      EXPECT_GT(result.history.recent().reward_chosen, result.history.recent().reward_rejected);
    }
}

TEST(Loop, APairWithNothingToCompareTeachesNoPreference) {
  Recipe how = some_recipe();
  how.objective.likelihood = how.objective.prompt = 0;
  how.objective.preference = 1;
  auto pairs = some_pairs(4);
  for (TokenPair& pair : pairs) {
    pair.chosen = pair.rejected;
    pair.rejected.push_back(7);
    choose_compared(pair, ComparedTokens::kFirst);
  }
  Decoder model = trainee(how);
  const LoopResult result = train_pairs(model, pairs, how, {});
  EXPECT_TRUE(std::isnan(result.history.recent().preference));
  EXPECT_TRUE(std::isnan(result.history.recent().accuracy));
  EXPECT_EQ(result.history.recent().compared, 0);
  EXPECT_EQ(result.history.recent().loss, 0);
  EXPECT_EQ(result.history.recent().grad_norm, 0);
}

// Half of the pairs have nothing to compare: the others' term and rewards are what they are alone.
TEST(Loop, PairsWithNothingToCompareAreNoPartOfTheTermsMean) {
  Recipe how = some_recipe();
  how.objective.likelihood = how.objective.prompt = 0;
  how.objective.preference = 1;
  how.train.batch = 8;
  how.train.epochs = 1;
  auto pairs = some_pairs(4);
  for (TokenPair& pair : pairs) choose_compared(pair, ComparedTokens::kFirst);
  Decoder alone = trainee(how);
  const StepMeasures without = train_pairs(alone, pairs, how, {}).history.first();
  for (TokenPair pair : some_pairs(4)) {
    pair.chosen = pair.rejected;
    pair.rejected.push_back(7);
    choose_compared(pair, ComparedTokens::kFirst);
    pairs.push_back(pair);
  }
  Decoder model = trainee(how);
  const StepMeasures with = train_pairs(model, pairs, how, {}).history.first();
  EXPECT_NEAR(with.preference, std::log(2.0), 1e-6);
  EXPECT_EQ(with.compared, 0.5);
  EXPECT_NEAR(with.grad_norm, without.grad_norm, 1e-4 * without.grad_norm);
  EXPECT_NEAR(with.logp_chosen, without.logp_chosen, 1e-4);
}

// The chosen is the longer one: what it has gained by its sum and by its length differ.
TEST(Loop, AccuracyIsByWhatTheTermCompares) {
  TokenPair pair{
      .prompt = drawn_tokens(1, 6), .chosen = drawn_tokens(2, 6), .rejected = drawn_tokens(3, 1)};
  const torch::Tensor zero = torch::zeros({1});
  PairScores scores;
  scores.chosen_nll = zero;
  scores.log_probs = {torch::tensor({-12.F}), torch::tensor({-3.F})};
  scores.lengths = {torch::tensor({6.F}), torch::tensor({1.F})};
  const PairReference reference{{torch::tensor({-10.F}), torch::tensor({-2.F})}, zero};
  StepTotals totals;
  totals.add(Method::kDpo, pair);
  const auto accuracy = [&](PreferenceTerm term) {
    Recipe how = some_recipe();
    how.objective.prompt = 0;
    how.objective.term = term;
    return pair_terms(how, {&pair}, scores, reference, totals, 0).sums.accuracy;
  };
  EXPECT_EQ(accuracy(PreferenceTerm::kSigmoid), 0);      // −2 against −1
  EXPECT_EQ(accuracy(PreferenceTerm::kSigmoidNorm), 1);  // −2/6 against −1
  EXPECT_EQ(accuracy(PreferenceTerm::kIpo), 1);
  EXPECT_EQ(accuracy(PreferenceTerm::kSimpo), 1);  // −12/6 against −3
}

// RPO: the sigmoid's term and the likelihood's, by their weights.
TEST(Loop, TermsAreAddedByTheirWeights) {
  Recipe how = some_recipe();
  how.objective.preference = 1;
  how.objective.likelihood = 0.7;
  how.objective.prompt = 0.3;
  Decoder model = trainee(how);
  const StepMeasures first = train_pairs(model, some_pairs(10), how, {}).history.first();
  EXPECT_GT(first.likelihood, 0);
  EXPECT_NEAR(first.loss, first.preference + 0.7 * first.likelihood + 0.3 * first.prompt, 1e-6);
}

TEST(Loop, AReferenceFromAnEarlierRunIsTheSame) {
  const TemporaryFolder folder;
  const std::string file = folder / "reference.jsonl";
  const auto without = weights_after(some_recipe(), {});
  for (const std::size_t found : {0U, 10U}) {
    ReferenceCache cache(file, "base");
    LoopOptions options;
    options.cache = &cache;
    expect_equal(without, weights_after(some_recipe(), options));
    EXPECT_EQ(cache.found(), found);
  }
  // Of more pairs those alone are scored that are not known.
  ReferenceCache cache(file, "base");
  LoopOptions options;
  options.cache = &cache;
  weights_after(some_recipe(), options, some_pairs(11));
  EXPECT_EQ(cache.found(), 10U);
}

TEST(Loop, WhatBecomesOfTheCacheChangesNoRunThatHasBegun) {
  const TemporaryFolder folder;
  const std::string file = folder / "reference.jsonl";
  const auto run = [&] {
    ReferenceCache cache(file, "base");
    LoopOptions options{.threads = 1, .folder = folder / "run", .fingerprint = {{"run", 1}}};
    options.cache = &cache;
    return weights_after(some_recipe(), options);
  };
  std::filesystem::create_directories(folder / "run");
  const auto whole = run();
  ASSERT_TRUE(std::filesystem::exists(folder / "run/checkpoint"));
  ReferenceCache other(file, "base");
  for (const TokenPair& pair : some_pairs(10)) other.add(pair, {-1, -30, 1});
  other.save();
  expect_equal(whole, run());  // from the checkpoint on
  std::filesystem::remove_all(folder / "run/checkpoint");
  EXPECT_FALSE(torch::equal(whole.front(), run().front()));  // that it would matter
}

TEST(Loop, TheNumberOfThreadsChangesNothing) {
  expect_equal(weights_after(some_recipe(), {.threads = 1, .folder = "", .fingerprint = {}}),
               weights_after(some_recipe(), {.threads = 2, .folder = "", .fingerprint = {}}));
}

TEST(Loop, CutOffAndGoneOnWithItIsTheSameRun) {
  const TemporaryFolder folder;
  const Recipe whole = some_recipe();
  const std::string out = folder / "run";
  std::filesystem::create_directories(out);
  const LoopOptions options{.threads = 1, .folder = out, .fingerprint = {{"run", 1}}};
  const auto uninterrupted = weights_after(whole, {.threads = 1, .folder = "", .fingerprint = {}});
  weights_after(whole, options);
  ASSERT_TRUE(std::filesystem::exists(out + "/checkpoint"));
  // The last checkpoint is of a step before the end: the run goes on from there.
  const auto resumed = weights_after(whole, options);
  expect_equal(uninterrupted, resumed);
}

TEST(Loop, ACheckpointOfAnotherRunIsRefused) {
  const TemporaryFolder folder;
  const std::string out = folder / "run";
  std::filesystem::create_directories(out);
  weights_after(some_recipe(), {.threads = 1, .folder = out, .fingerprint = {{"run", 1}}});
  EXPECT_THROW(
      weights_after(some_recipe(), {.threads = 1, .folder = out, .fingerprint = {{"run", 2}}}),
      std::runtime_error);
}

// Each file of the checkpoint by itself is well formed; together they are no run.
TEST(Loop, ADamagedCheckpointSaysWhatToDo) {
  struct Damage {
    const char* says;
    std::function<void(nlohmann::json&)> to_history;
  };
  const Damage kDamages[] = {
      {"'m.0' does not fit this model and recipe", nullptr},
      {"-5 steps", [](nlohmann::json& history) { history["steps"] = -5; }},
      {"0 steps", [](nlohmann::json& history) { history["steps"] = 0; }},
      {"are remembered", [](nlohmann::json& history) { history["recent"].clear(); }},
      {"more steps than this run has",
       [](nlohmann::json& history) {
         history["steps"] = 5000;
         while (history["recent"].size() < History::kRecent)
           history["recent"].push_back(history["recent"][0]);
       }},
      {"first", [](nlohmann::json& history) { history.erase("first"); }}};
  for (const Damage& damage : kDamages) {
    const TemporaryFolder folder;
    const LoopOptions options{.threads = 1, .folder = folder.path(), .fingerprint = {{"run", 1}}};
    weights_after(some_recipe(), options);
    const std::string where = folder / "checkpoint";
    Checkpoint checkpoint = load_checkpoint(where).value().value();
    if (damage.to_history)
      damage.to_history(checkpoint.state["history"]);
    else
      checkpoint.optimizer = AdamW({torch::ones({3})}, {}).state();
    save_checkpoint(where, checkpoint);
    try {
      weights_after(some_recipe(), options);
      FAIL() << damage.says;
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(),
                  testing::AllOf(testing::HasSubstr(where), testing::HasSubstr(damage.says),
                                 testing::HasSubstr("delete it to start afresh")));
    }
  }
}

// Chosen and rejected in one sequence behind one prompt, against each in a sequence of its own.
TEST(Loop, ASharedPromptIsTheSameAsSeparateOnes) {
  Recipe how = some_recipe();
  Decoder model = trainee(how);
  {
    torch::NoGradGuard no_grad;
    torch::manual_seed(9);
    for (Linear* linear : model.linears()) linear->b().normal_(0, 0.1);
  }
  const auto pairs = some_pairs(5);
  std::vector<const TokenPair*> pointers;
  for (const TokenPair& pair : pairs) pointers.push_back(&pair);
  torch::NoGradGuard no_grad;
  const PairLogProbs shared = score_pairs(model, make_pair_batch(pointers, Sides::kBoth)).log_probs;
  const auto alone = [&](const TokenPair& pair, const std::vector<TokenId>& completion) {
    std::vector<std::int64_t> all(pair.prompt.begin(), pair.prompt.end());
    all.insert(all.end(), completion.begin(), completion.end());
    const torch::Tensor input = torch::tensor(all, torch::kInt64).unsqueeze(0);
    const torch::Tensor log_probs =
        torch::log_softmax(model.logits(model.hidden({.tokens = input})), -1)[0];
    double sum = 0;
    for (std::size_t i = 0; i < completion.size(); ++i)
      sum += log_probs[static_cast<std::int64_t>(pair.prompt.size() + i) - 1][completion[i]]
                 .item<double>();
    return sum;
  };
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    EXPECT_NEAR(shared.chosen[row].item<double>(), alone(pairs[i], pairs[i].chosen), 1e-4);
    EXPECT_NEAR(shared.rejected[row].item<double>(), alone(pairs[i], pairs[i].rejected), 1e-4);
  }
}

// A batch of pairs of which some have one prompt, against a batch for each: scores and gradients.
TEST(Loop, PairsWithOnePromptAreTheSameTogetherAsAlone) {
  Recipe how = some_recipe();
  Decoder model = trainee(how);
  {
    torch::NoGradGuard no_grad;
    torch::manual_seed(9);
    for (Linear* linear : model.linears()) linear->b().normal_(0, 0.1);
  }
  auto pairs = some_pairs(5);
  pairs[3].prompt = pairs[1].prompt;
  pairs[4].prompt = pairs[1].prompt;
  std::vector<const TokenPair*> pointers;
  std::int64_t apart_tokens = 0;
  for (const TokenPair& pair : pairs) {
    pointers.push_back(&pair);
    apart_tokens += make_pair_batch({&pair}, Sides::kBoth).input.tokens.size(1);
  }
  const PairBatch batch = make_pair_batch(pointers, Sides::kBoth, true);
  EXPECT_EQ(batch.input.tokens.size(1),
            apart_tokens - 2 * static_cast<std::int64_t>(pairs[1].prompt.size()));
  const auto columns = [](const PairScores& scores) {
    return torch::stack(
        {scores.log_probs.chosen, scores.log_probs.rejected, scores.chosen_nll, scores.prompt_nll});
  };
  const torch::Tensor together = columns(score_pairs(model, batch));
  std::vector<torch::Tensor> each;
  for (const TokenPair* pair : pointers)
    each.push_back(columns(score_pairs(model, make_pair_batch({pair}, Sides::kBoth, true))));
  const torch::Tensor apart = torch::cat(each, 1);
  EXPECT_LE(largest_difference(together, apart), 1e-4);
  const torch::Tensor along = torch::randn_like(apart);
  const auto slopes = [&](const torch::Tensor& scores) {
    return torch::autograd::grad({(scores * along).sum()}, model.trainable());
  };
  const auto are = slopes(together);
  const auto should = slopes(apart);
  for (std::size_t i = 0; i < are.size(); ++i)
    EXPECT_LE(largest_difference(are[i], should[i]),
              1e-5 * std::max(1.0, should[i].abs().max().item<double>()))
        << i;
}

// The first place where they differ: the same row of logits for both.
TEST(Loop, DivergenceComparesTwoNextTokensBehindTheSameText) {
  Decoder model = tiny_decoder(tiny_config());
  TokenPair pair{.prompt = drawn_tokens(1, 6), .chosen = {5, 9, 3, 2}, .rejected = {5, 9, 4}};
  choose_compared(pair, ComparedTokens::kFirst);
  torch::NoGradGuard no_grad;
  const PairScores scores = score_pairs(model, make_pair_batch({&pair}, Sides::kBoth));
  std::vector<std::int64_t> shared(pair.prompt.begin(), pair.prompt.end());
  shared.insert(shared.end(), {5, 9});
  const torch::Tensor next = torch::log_softmax(
      model.logits(model.hidden({.tokens = torch::tensor(shared, torch::kInt64).unsqueeze(0)})),
      -1)[0][-1];
  EXPECT_NEAR(scores.log_probs.chosen.item<double>(), next[3].item<double>(), 1e-5);
  EXPECT_NEAR(scores.log_probs.rejected.item<double>(), next[4].item<double>(), 1e-5);
  EXPECT_EQ(scores.lengths.chosen.item<double>(), 1);
}

}  // namespace
}  // namespace strop::trainer
