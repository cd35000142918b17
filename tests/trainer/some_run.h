// Runs of the loop on a tiny random decoder and random pairs, for its tests.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "tiny_model.h"
#include "trainer/loop.h"
#include "trainer/model/adapter.h"

namespace strop::trainer {

inline std::vector<TokenId> drawn_tokens(std::uint64_t seed, std::int64_t length) {
  const torch::Tensor drawn = some_tokens(1, length, tiny_config().vocab, seed).to(torch::kInt32);
  return {drawn.data_ptr<std::int32_t>(), drawn.data_ptr<std::int32_t>() + length};
}

inline std::vector<TokenPair> some_pairs(std::size_t count, std::uint64_t seed = 0) {
  std::vector<TokenPair> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].prompt = drawn_tokens(seed + 100 + i, 5 + static_cast<std::int64_t>(i % 7));
    out[i].chosen = drawn_tokens(seed + 200 + i, 2 + static_cast<std::int64_t>(i % 3));
    out[i].rejected = drawn_tokens(seed + 300 + i, 1 + static_cast<std::int64_t>(i % 4));
    out[i].epsilon = i % 2 == 0 ? 0.0 : 0.2;
  }
  return out;
}

inline Recipe some_recipe(Method method = Method::kDpo) {
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

inline Decoder trainee(const Recipe& recipe) {
  Decoder model = tiny_decoder(tiny_config());
  add_lora(model, {.rank = recipe.train.rank, .alpha = recipe.train.alpha}, recipe.train.seed);
  return model;
}

using Weights = std::vector<torch::Tensor>;

inline Weights weights_of(Decoder& model) {
  Weights out;
  for (const torch::Tensor& tensor : model.trainable()) out.push_back(tensor.detach().clone());
  return out;
}

inline Weights weights_after(const Recipe& recipe, const LoopOptions& options,
                             const std::vector<TokenPair>& pairs = some_pairs(10)) {
  Decoder model = trainee(recipe);
  train_pairs(model, pairs, recipe, options);
  return weights_of(model);
}

inline void expect_equal(const Weights& a, const Weights& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
}

}  // namespace strop::trainer
