// Text from a model: every token's log-prob is the model's own, however the sequences are batched.
#include "trainer/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trainer/loaded_model.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

class Generate : public testing::Test {
 protected:
  Generate() : model_((use_shard_threads(), load_model(kFolder, ""))) {}

  std::vector<TokenId> tokens_of(const std::string& text) const {
    return model_.tokenizer.encode(text);
  }

  // What one forward pass over the whole text says of each token.
  void expect_own_log_probs(std::vector<TokenId> text, const Completion& completion) const {
    const std::size_t prompt = text.size();
    for (const TokenChoice& choice : completion.tokens) text.push_back(choice.token);
    const torch::Tensor tokens = torch::tensor(std::vector<std::int64_t>(text.begin(), text.end()));
    const torch::Tensor log_probs = torch::log_softmax(
        model_.decoder.logits(model_.decoder.hidden({.tokens = tokens.unsqueeze(0)})[0]), -1);
    for (std::size_t i = 0; i < completion.tokens.size(); ++i)
      EXPECT_NEAR(completion.tokens[i].log_prob,
                  log_probs[static_cast<std::int64_t>(prompt + i - 1)][completion.tokens[i].token]
                      .item<double>(),
                  1e-4)
          << "token " << i;
  }

  static constexpr const char* kFolder = STROP_SOURCE_DIR "/models/strop-tiny";
  c10::InferenceMode inference_;
  LoadedModel model_;
};

TEST_F(Generate, EveryCandidateIsDrawnFromTheModelsOwnDistribution) {
  Generator generator(model_.decoder, model_.tokenizer);
  const std::vector<TokenId> prompt = tokens_of("def add(a, b):\n    return ");
  const auto candidates = generator.complete(prompt, 4, {.max_tokens = 6, .seed = 7});
  ASSERT_EQ(candidates.size(), 4U);
  for (const Completion& candidate : candidates) {
    ASSERT_FALSE(candidate.tokens.empty());
    expect_own_log_probs(prompt, candidate);
  }
  EXPECT_THAT(std::set<std::string>(
                  {candidates[0].text, candidates[1].text, candidates[2].text, candidates[3].text}),
              testing::SizeIs(testing::Ge(2U)));
}

TEST_F(Generate, TheFirstOfSeveralIsTheOnlyOneOfOne) {
  Generator generator(model_.decoder, model_.tokenizer);
  const std::vector<TokenId> prompt = tokens_of("import os\nimport ");
  const GenerateOptions options{.max_tokens = 8};
  const std::string alone = generator.complete(prompt, 1, options).front().text;
  EXPECT_EQ(generator.complete(prompt, 3, options).front().text, alone);
}

TEST_F(Generate, WhatIsRememberedChangesNothing) {
  Generator remembers(model_.decoder, model_.tokenizer);
  for (const char* text : {"import os\n", "import os\nimport sys\n", "import os\nimport re\n",
                           "import os\nimport sys\nfor i in "}) {
    const std::vector<TokenId> prompt = tokens_of(text);
    const Completion completion = remembers.complete(prompt, 1, {.max_tokens = 8}).front();
    EXPECT_EQ(
        completion.text,
        Generator(model_.decoder, model_.tokenizer).complete(prompt, 1, {.max_tokens = 8})[0].text);
    expect_own_log_probs(prompt, completion);
  }
  EXPECT_GT(remembers.reused(), 0);
}

TEST_F(Generate, ABatchSaysWhatEachPromptWouldAlone) {
  std::vector<std::vector<TokenId>> prompts;
  for (const char* text : {"x", "import os\nimport ", "def f(a):\n    return a", "for i in range("})
    prompts.push_back(tokens_of(text));
  const auto together =
      generate_batch(model_.decoder, model_.tokenizer, prompts, {.max_tokens = 8}, 3);
  ASSERT_EQ(together.size(), prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) expect_own_log_probs(prompts[i], together[i]);
}

TEST_F(Generate, ACancelledOneSaysSo) {
  Generator generator(model_.decoder, model_.tokenizer);
  int asked = 0;
  const GenerateOptions options{.max_tokens = 50, .is_cancelled = [&] { return ++asked > 3; }};
  const auto candidates = generator.complete(tokens_of("import os\nimport "), 2, options);
  for (const Completion& candidate : candidates) {
    EXPECT_EQ(candidate.finish, Finish::kCancelled);
    EXPECT_LT(candidate.tokens.size(), 5U);
  }
}

TEST_F(Generate, RefusesWhatItCannotContinue) {
  Generator generator(model_.decoder, model_.tokenizer);
  EXPECT_THROW(generator.complete({}, 1, {}), std::invalid_argument);
  const std::vector<TokenId> foreign = {99999};
  EXPECT_THROW(generator.complete(foreign, 1, {}), std::invalid_argument);
  const std::vector<TokenId> longest(256, 5);
  EXPECT_THROW(generator.complete(longest, 1, {}), std::invalid_argument);
}

TEST(Sampler, DrawsByProbabilityAndTheSameFromTheSameSeed) {
  const std::vector<float> logits = {0, std::log(3.0F), -1e30F};
  Sampler one({.temperature = 1, .seed = 3});
  Sampler other({.temperature = 1, .seed = 3});
  int second = 0;
  for (int i = 0; i < 4000; ++i) {
    const TokenChoice choice = one.choose(logits);
    EXPECT_EQ(choice.token, other.choose(logits).token);
    EXPECT_NEAR(choice.log_prob, std::log(choice.token == 1 ? 0.75 : 0.25), 1e-6);
    second += choice.token == 1 ? 1 : 0;
  }
  EXPECT_NEAR(second / 4000.0, 0.75, 0.03);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatHasIt) {
  const std::vector<float> logits = {0, std::log(3.0F), std::log(6.0F)};  // .1 .3 .6
  Sampler sampler({.temperature = 1, .top_p = 0.85, .seed = 1, .alternatives = 2});
  for (int i = 0; i < 300; ++i) {
    const TokenChoice choice = sampler.choose(logits);
    EXPECT_NE(choice.token, 0);
    ASSERT_EQ(choice.alternatives.size(), 2U);
    EXPECT_EQ(choice.alternatives[0].first, 2);
    EXPECT_NEAR(choice.alternatives[0].second, std::log(0.6), 1e-6);
  }
}

TEST(Sampler, DamagedWeightsAreSaid) {
  const std::vector<float> logits = {0, std::nanf("")};
  EXPECT_THROW(Sampler({}).choose(logits), std::runtime_error);
}

TEST_F(Generate, AStopTextEndsACompletionEvenAcrossTokens) {
  const std::vector<std::string> stops = {"rt s"};
  CompletionBuilder builder(model_.tokenizer, stops, 20);
  for (const TokenId token : tokens_of("import sys and more"))
    if (!builder.add({.token = token})) break;
  EXPECT_TRUE(builder.done());
  const Completion completion = builder.finish();
  EXPECT_EQ(completion.text, "impo");
  EXPECT_EQ(completion.finish, Finish::kStop);
}

}  // namespace
}  // namespace strop::trainer
