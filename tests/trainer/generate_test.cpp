// Text from a model: every token's log-prob is the model's own, however the sequences are batched.
#include "trainer/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "trainer/continuous_batch.h"
#include "trainer/loaded_model.h"
#include "trainer/model/kv_cache.h"
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

  // What a job was told.
  struct Heard {
    std::vector<Completion> rows;
    std::size_t reused = 0;
    std::string failure;
  };

  static std::shared_ptr<Heard> join(ContinuousBatch& batch, std::vector<TokenId> prompt,
                                     GenerateOptions options, std::size_t count = 1) {
    auto heard = std::make_shared<Heard>();
    heard->rows.resize(count);
    BatchJob job;
    job.prompt = std::move(prompt);
    job.count = count;
    job.options = std::move(options);
    job.started = [heard](std::size_t reused) { heard->reused = reused; };
    job.receive = [heard](std::size_t row, const CompletionPiece& piece) {
      Completion& into = heard->rows[row];
      into.text += piece.text;
      into.tokens.insert(into.tokens.end(), piece.tokens.begin(), piece.tokens.end());
      if (piece.finish) into.finish = *piece.finish;
    };
    job.failed = [heard](const std::string& why) { heard->failure = why; };
    batch.join(std::move(job));
    return heard;
  }

  static void finish(ContinuousBatch& batch) {
    while (batch.advance()) continue;
  }

  Heard alone(const std::vector<TokenId>& prompt, const GenerateOptions& options,
              std::size_t count = 1) const {
    ContinuousBatch batch(model_.decoder, model_.tokenizer, 0);
    const auto heard = join(batch, prompt, options, count);
    finish(batch);
    return *heard;
  }

  static constexpr const char* kFolder = STROP_SOURCE_DIR "/models/strop-tiny";
  c10::InferenceMode inference_;
  LoadedModel model_;
};

TEST_F(Generate, EveryCandidateIsDrawnFromTheModelsOwnDistribution) {
  const std::vector<TokenId> prompt = tokens_of("def add(a, b):\n    return ");
  const Heard heard = alone(prompt, {.max_tokens = 6, .seed = 7}, 4);
  ASSERT_EQ(heard.rows.size(), 4U);
  std::set<std::string> texts;
  for (const Completion& candidate : heard.rows) {
    ASSERT_FALSE(candidate.tokens.empty());
    expect_own_log_probs(prompt, candidate);
    texts.insert(candidate.text);
  }
  EXPECT_THAT(texts, testing::SizeIs(testing::Ge(2U)));
}

TEST_F(Generate, TheFirstOfSeveralIsTheOnlyOneOfOne) {
  const std::vector<TokenId> prompt = tokens_of("import os\nimport ");
  EXPECT_EQ(alone(prompt, {.max_tokens = 8}, 3).rows[0].text,
            alone(prompt, {.max_tokens = 8}, 1).rows[0].text);
}

TEST_F(Generate, WhatIsRememberedChangesNothing) {
  ContinuousBatch remembers(model_.decoder, model_.tokenizer, 64 << 20);
  std::size_t reused = 0;
  for (const char* text : {"import os\n", "import os\nimport sys\n", "import os\nimport re\n",
                           "import os\nimport sys\nfor i in ", "import os\nimport re\n"}) {
    const std::vector<TokenId> prompt = tokens_of(text);
    const auto with = join(remembers, prompt, {.max_tokens = 8});
    finish(remembers);
    const Heard without = alone(prompt, {.max_tokens = 8});
    ASSERT_TRUE(with->rows[0].finish == Finish::kLength) << with->failure;
    EXPECT_EQ(with->rows[0].text, without.rows[0].text);
    ASSERT_EQ(with->rows[0].tokens.size(), without.rows[0].tokens.size());
    for (std::size_t i = 0; i < with->rows[0].tokens.size(); ++i)
      EXPECT_NEAR(with->rows[0].tokens[i].log_prob, without.rows[0].tokens[i].log_prob, 1e-5);
    EXPECT_EQ(without.reused, 0U);
    reused += with->reused;
  }
  EXPECT_GT(reused, 10U);
}

TEST_F(Generate, JobsThatJoinAndLeaveBetweenTokensSayWhatTheyWouldAlone) {
  const std::vector<std::string> texts = {"import os\nimport ", "def f(a):\n    return a",
                                          "for i in range(", "x = [1, 2", "class A:\n    def "};
  ContinuousBatch batch(model_.decoder, model_.tokenizer, 0);
  std::vector<std::shared_ptr<Heard>> heard;
  int steps = 0;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto length = static_cast<std::int64_t>(24 - 4 * i);  // later ones leave earlier
    tokens += length;
    heard.push_back(join(batch, tokens_of(texts[i]), {.max_tokens = length}));
    for (int step = 0; step < 2; ++step, ++steps) batch.advance();
  }
  while (batch.advance()) ++steps;
  EXPECT_EQ(batch.rows(), 0U);
  EXPECT_LT(steps, tokens / 2);  // several a step
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::vector<TokenId> prompt = tokens_of(texts[i]);
    const auto length = static_cast<std::int64_t>(24 - 4 * i);
    EXPECT_EQ(heard[i]->rows[0].text, alone(prompt, {.max_tokens = length}).rows[0].text);
    expect_own_log_probs(prompt, heard[i]->rows[0]);
  }
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

TEST_F(Generate, ACancelledOneSaysSoAndDoesNotDisturbTheOthers) {
  ContinuousBatch batch(model_.decoder, model_.tokenizer, 0);
  const std::vector<TokenId> prompt = tokens_of("import os\nimport ");
  int asked = 0;
  const auto gone =
      join(batch, prompt, {.max_tokens = 50, .is_cancelled = [&] { return ++asked > 4; }}, 2);
  const auto stays = join(batch, prompt, {.max_tokens = 8});
  finish(batch);
  for (const Completion& candidate : gone->rows) {
    EXPECT_EQ(candidate.finish, Finish::kCancelled);
    EXPECT_LT(candidate.tokens.size(), 5U);
  }
  EXPECT_EQ(stays->rows[0].text, alone(prompt, {.max_tokens = 8}).rows[0].text);
}

TEST_F(Generate, DamagedWeightsEndTheJobWithAWord) {
  for (auto& [name, tensor] : model_.decoder.tensors())
    if (name == "model.norm.weight") tensor.fill_(std::nanf(""));
  EXPECT_THAT(alone(tokens_of("x = "), {}).failure, testing::HasSubstr("no finite probability"));
}

TEST_F(Generate, RefusesWhatItCannotContinue) {
  EXPECT_THROW(alone({}, {}), std::invalid_argument);
  EXPECT_THROW(alone({99999}, {}), std::invalid_argument);
  EXPECT_THROW(alone(std::vector<TokenId>(256, 5), {}), std::invalid_argument);
}

TEST_F(Generate, ThePrefixCacheKeepsToItsBoundAndForgetsTheOldest) {
  const std::size_t one = bytes_of(model_.decoder.make_cache(1, 16));
  PrefixCache cache(2 * one);
  const auto keep = [&](TokenId first) {
    KvCache entry = model_.decoder.make_cache(1, 16);
    entry.length = 3;
    cache.keep({first, 8, 9}, entry);
  };
  const auto known = [&](TokenId first) {
    return cache.find(std::vector<TokenId>{first, 8, 7}, 3).length;
  };
  keep(1);
  keep(2);
  EXPECT_EQ(known(1), 2);  // 2 is the oldest now
  keep(3);
  EXPECT_EQ(cache.entries(), 2U);
  EXPECT_EQ(cache.bytes(), 2 * one);
  EXPECT_EQ(known(1), 2);
  EXPECT_EQ(known(2), 0);
  EXPECT_EQ(known(3), 2);
  cache.set_most_bytes(0);
  EXPECT_EQ(cache.bytes(), 0U);
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

TEST(Sampler, TopKKeepsTheLikeliest) {
  const std::vector<float> logits = {0, std::log(3.0F), std::log(6.0F)};
  Sampler sampler({.temperature = 1, .top_k = 2, .seed = 1});
  std::map<TokenId, int> drawn;
  for (int i = 0; i < 3000; ++i) ++drawn[sampler.choose(logits).token];
  EXPECT_EQ(drawn[0], 0);
  EXPECT_NEAR(drawn[2] / 3000.0, 6.0 / 9, 0.04);
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
  EXPECT_EQ(completion.stop, "rt s");
}

TEST_F(Generate, PiecesHoldBackWhatMayBecomeAStopText) {
  const std::vector<std::string> stops = {"mpor!", "rt s"};
  CompletionBuilder builder(model_.tokenizer, stops, 20);
  std::string text;
  for (const char letter : std::string("import sys")) {
    builder.add({.token = tokens_of(std::string(1, letter)).front()});
    text += builder.take().text;
    EXPECT_TRUE(std::string("impo").starts_with(text)) << text;
  }
  EXPECT_EQ(text, "impo");
  EXPECT_TRUE(builder.done());
}

TEST_F(Generate, PiecesHoldBackHalfACharacter) {
  const auto byte_token = [&](unsigned char byte) {
    for (TokenId id = 0; id < static_cast<TokenId>(model_.tokenizer.vocab_size()); ++id)
      if (model_.tokenizer.bytes_of(id) == std::string_view(reinterpret_cast<char*>(&byte), 1))
        return id;
    throw std::logic_error("no token for a byte");
  };
  const std::vector<std::string> stops;
  CompletionBuilder builder(model_.tokenizer, stops, 20);
  std::vector<std::string> pieces;
  for (const unsigned char byte : {0xE2, 0x82, 0xAC, 0x78, 0xC3}) {  // €x, and the half of é
    builder.add({.token = byte_token(byte)});
    pieces.push_back(builder.take().text);
  }
  EXPECT_THAT(pieces, testing::ElementsAre("", "", "\u20AC", "x", ""));
  builder.cancel();
  EXPECT_EQ(builder.take().text, "\xC3");  // it will not get better
}

}  // namespace
}  // namespace strop::trainer
