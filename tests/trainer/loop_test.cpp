// The training loop: where it starts, that it learns, and that nothing but weights, pairs and
// recipe decides where it ends.
#include "trainer/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "temporary_folder.h"
#include "tiny_model.h"
#include "trainer/checkpoint.h"
#include "trainer/compared_tokens.h"
#include "trainer/model/adapter.h"
#include "trainer/pair_batch.h"

namespace strop::trainer {
namespace {

std::vector<TokenId> tokens(std::uint64_t seed, std::int64_t length) {
  const torch::Tensor drawn = some_tokens(1, length, tiny_config().vocab, seed).to(torch::kInt32);
  return {drawn.data_ptr<std::int32_t>(), drawn.data_ptr<std::int32_t>() + length};
}

std::vector<TokenPair> some_pairs(std::size_t count) {
  std::vector<TokenPair> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].prompt = tokens(100 + i, 5 + static_cast<std::int64_t>(i % 7));
    out[i].chosen = tokens(200 + i, 2 + static_cast<std::int64_t>(i % 3));
    out[i].rejected = tokens(300 + i, 1 + static_cast<std::int64_t>(i % 4));
    out[i].epsilon = i % 2 == 0 ? 0.0 : 0.2;
  }
  return out;
}

Recipe recipe(Method method = Method::kDpo) {
  Recipe out;
  out.method = method;
  out.train.rank = 4;
  out.train.alpha = 8;
  out.train.batch = 4;
  out.train.shard = 2;
  out.train.epochs = 3;
  out.train.learning_rate = 1e-2;
  out.train.checkpoint_every = 2;
  return out;
}

Decoder trainee(const Recipe& recipe) {
  Decoder model = tiny_decoder(tiny_config());
  add_lora(model, {.rank = recipe.train.rank, .alpha = recipe.train.alpha}, recipe.train.seed);
  return model;
}

std::vector<torch::Tensor> weights_after(const Recipe& recipe, const LoopOptions& options,
                                         std::size_t pairs = 10) {
  Decoder model = trainee(recipe);
  train_pairs(model, some_pairs(pairs), recipe, options);
  std::vector<torch::Tensor> out;
  for (const torch::Tensor& tensor : model.trainable()) out.push_back(tensor.detach().clone());
  return out;
}

void expect_equal(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
}

TEST(Loop, StartsAtLn2WithRewardsOfExactlyZero) {
  Recipe how = recipe();
  Decoder model = trainee(how);
  const LoopResult result = train_pairs(model, some_pairs(10), how, {});
  EXPECT_NEAR(result.history.first().preference, std::log(2.0), 1e-6);
  EXPECT_EQ(result.history.first().reward_chosen, 0);
  EXPECT_EQ(result.history.first().reward_rejected, 0);
}

TEST(Loop, LearnsWhatItIsShown) {
  for (const Method method : {Method::kDpo, Method::kSft}) {
    Recipe how = recipe(method);
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
      Recipe how = recipe();
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
  Recipe how = recipe();
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
  EXPECT_EQ(result.history.recent().preference, 0);
  EXPECT_EQ(result.history.recent().grad_norm, 0);
}

TEST(Loop, AReferenceFromAnEarlierRunIsTheSame) {
  const TemporaryFolder folder;
  const std::string file = folder / "reference.jsonl";
  const auto without = weights_after(recipe(), {});
  for (const std::size_t found : {0U, 10U}) {
    ReferenceCache cache(file, "base");
    LoopOptions options;
    options.cache = &cache;
    expect_equal(without, weights_after(recipe(), options));
    EXPECT_EQ(cache.found(), found);
  }
  // Of more pairs those alone are scored that are not known.
  ReferenceCache cache(file, "base");
  LoopOptions options;
  options.cache = &cache;
  weights_after(recipe(), options, 11);
  EXPECT_EQ(cache.found(), 10U);
}

TEST(Loop, WhatBecomesOfTheCacheChangesNoRunThatHasBegun) {
  const TemporaryFolder folder;
  const std::string file = folder / "reference.jsonl";
  const auto run = [&] {
    ReferenceCache cache(file, "base");
    LoopOptions options{.threads = 1, .folder = folder / "run", .fingerprint = {{"run", 1}}};
    options.cache = &cache;
    return weights_after(recipe(), options);
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
  expect_equal(weights_after(recipe(), {.threads = 1, .folder = "", .fingerprint = {}}),
               weights_after(recipe(), {.threads = 2, .folder = "", .fingerprint = {}}));
}

TEST(Loop, CutOffAndGoneOnWithItIsTheSameRun) {
  const TemporaryFolder folder;
  const Recipe whole = recipe();
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
  weights_after(recipe(), {.threads = 1, .folder = out, .fingerprint = {{"run", 1}}});
  EXPECT_THROW(weights_after(recipe(), {.threads = 1, .folder = out, .fingerprint = {{"run", 2}}}),
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
    weights_after(recipe(), options);
    const std::string where = folder / "checkpoint";
    Checkpoint checkpoint = load_checkpoint(where).value().value();
    if (damage.to_history)
      damage.to_history(checkpoint.state["history"]);
    else
      checkpoint.optimizer = AdamW({torch::ones({3})}, {}).state();
    save_checkpoint(where, checkpoint);
    try {
      weights_after(recipe(), options);
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
  Recipe how = recipe();
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
  const PairLogProbs shared =
      score_pairs(model, make_pair_batch(pointers, Sides::kBoth), false).log_probs;
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

// The first place where they differ: the same row of logits for both.
TEST(Loop, DivergenceComparesTwoNextTokensBehindTheSameText) {
  Decoder model = tiny_decoder(tiny_config());
  TokenPair pair{.prompt = tokens(1, 6), .chosen = {5, 9, 3, 2}, .rejected = {5, 9, 4}};
  choose_compared(pair, ComparedTokens::kFirst);
  torch::NoGradGuard no_grad;
  const PairScores scores = score_pairs(model, make_pair_batch({&pair}, Sides::kBoth), false);
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
