// What a run computes in, and that a run in bfloat16 learns.
#include "trainer/precision.h"

#include <gtest/gtest.h>

#include "tiny_model.h"
#include "trainer/loop.h"
#include "trainer/trainee.h"

namespace strop::trainer {
namespace {

TEST(Precision, OfASmallModelIsFloat32UnlessAskedFor) {
  EXPECT_EQ(compute_type(Precision::kAuto, tiny_config(), torch::kCPU), torch::kFloat32);
  EXPECT_EQ(compute_type(Precision::kFloat32, tiny_config(), torch::kCPU), torch::kFloat32);
  EXPECT_EQ(compute_type(Precision::kBfloat16, tiny_config(), torch::kCPU), torch::kBFloat16);
}

// A large model gains by bfloat16 where there are instructions for it, and loses nothing where its
// file has no more bits.
TEST(Precision, OfALargeModelIsWhatItsFileHas) {
  ModelConfig config = tiny_config();
  config.hidden = 512;
#ifdef __x86_64__
  const bool gains = __builtin_cpu_supports("avx512bf16") != 0;
#else
  const bool gains = false;
#endif
  const auto gained = gains ? torch::kBFloat16 : torch::kFloat32;
  EXPECT_EQ(compute_type(Precision::kAuto, config, torch::kCPU), gained);
  EXPECT_EQ(compute_type(Precision::kAuto, config, torch::kCPU, torch::kBFloat16), gained);
  for (const auto type : {torch::kFloat32, torch::kHalf}) {
    EXPECT_EQ(compute_type(Precision::kAuto, config, torch::kCPU, type), torch::kFloat32);
    EXPECT_EQ(compute_type(Precision::kBfloat16, config, torch::kCPU, type), torch::kBFloat16);
  }
}

TEST(Precision, HasANameEach) {
  for (const Precision one : {Precision::kAuto, Precision::kFloat32, Precision::kBfloat16})
    EXPECT_EQ(precision_by_name(precision_name(one)), one);
  EXPECT_EQ(precision_by_name("half"), std::nullopt);
}

// Of an adapter and of all weights: the first loss is ln 2 to the last bit that the type has, and
// the preference is learnt.
TEST(Precision, ARunInBfloat16Learns) {
  for (const bool full : {false, true}) {
    Recipe recipe;
    recipe.train = {
        .full = full, .rank = 4, .alpha = 8, .learning_rate = 1e-2, .batch = 4, .epochs = 20};
    recipe.objective.prompt = 0;
    std::vector<TokenPair> pairs;
    for (TokenId i = 0; i < 4; ++i)
      pairs.push_back({.prompt = {1, 2, i}, .chosen = {5, 6, i}, .rejected = {7, 6}});
    Trainee trainee(tiny_decoder(tiny_config()), recipe, torch::kBFloat16);
    for (const torch::Tensor& tensor : trainee.model().trainable())
      EXPECT_EQ(tensor.scalar_type(), torch::kFloat32);
    const History history = train_pairs(trainee.model(), pairs, recipe, {}).history;
    EXPECT_NEAR(history.first().preference, std::log(2.0), full ? 1e-2 : 1e-6);
    EXPECT_LT(history.last().preference, 0.3);
    EXPECT_EQ(history.last().accuracy, 1);
  }
}

}  // namespace
}  // namespace strop::trainer
