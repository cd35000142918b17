// What a run computes in, and that a run in bfloat16 learns.
#include "trainer/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tiny_model.h"
#include "trainer/loop.h"
#include "trainer/trainee.h"

namespace strop::trainer {
namespace {

#ifdef __x86_64__
const bool kHasInstructions = __builtin_cpu_supports("avx512bf16") != 0;
#else
const bool kHasInstructions = false;
#endif

// It is had where it is right, and refused by name where it is not.
void expect_what_was_asked_for(const ModelConfig& config, torch::ScalarType widest) {
  const auto type = [&] { return compute_type(Precision::kBfloat16, config, torch::kCPU, widest); };
  if (is_bfloat16_right(torch::kCPU))
    EXPECT_EQ(type(), torch::kBFloat16);
  else
    EXPECT_THAT(type, testing::ThrowsMessage<std::invalid_argument>(
                          testing::HasSubstr("say --precision float32")));
}

// In a layer and its two gradients, of other numbers than it looks at itself.
TEST(Precision, Bfloat16IsRightWhereGradientsAre) {
  torch::manual_seed(4);
  const auto numbers = [](torch::IntArrayRef shape) {
    return torch::randn(shape).to(torch::kBFloat16).requires_grad_();
  };
  const torch::Tensor x = numbers({64, 2048});
  const torch::Tensor weight = numbers({2048, 2048});
  const torch::Tensor along = numbers({64, 2048}).detach();
  const auto gradients = [&](torch::ScalarType type) {
    const torch::Tensor y = torch::linear(x.to(type), weight.to(type));
    return torch::autograd::grad({y}, {x, weight}, {along.to(type)});
  };
  const auto half = gradients(torch::kBFloat16);
  const auto whole = gradients(torch::kFloat32);
  double worst = 0;
  for (std::size_t i = 0; i < half.size(); ++i)
    worst = std::max(worst,
                     largest_difference(half[i].to(torch::kFloat32), whole[i].to(torch::kFloat32)) /
                         whole[i].abs().max().item<double>());
  EXPECT_EQ(is_bfloat16_right(torch::kCPU), worst <= 1e-2) << worst;
  EXPECT_TRUE(worst <= 1e-2 || !kHasInstructions) << worst;
}

TEST(Precision, OfASmallModelIsFloat32UnlessAskedFor) {
  EXPECT_EQ(compute_type(Precision::kAuto, tiny_config(), torch::kCPU), torch::kFloat32);
  EXPECT_EQ(compute_type(Precision::kFloat32, tiny_config(), torch::kCPU), torch::kFloat32);
  expect_what_was_asked_for(tiny_config(), torch::kBFloat16);
}

// A large model gains by bfloat16 where there are instructions for it, and loses nothing where its
// file has no more bits.
TEST(Precision, OfALargeModelIsWhatItsFileHas) {
  ModelConfig config = tiny_config();
  config.hidden = 512;
  const auto gained = kHasInstructions ? torch::kBFloat16 : torch::kFloat32;
  EXPECT_EQ(compute_type(Precision::kAuto, config, torch::kCPU), gained);
  EXPECT_EQ(compute_type(Precision::kAuto, config, torch::kCPU, torch::kBFloat16), gained);
  for (const auto type : {torch::kFloat32, torch::kHalf}) {
    EXPECT_EQ(compute_type(Precision::kAuto, config, torch::kCPU, type), torch::kFloat32);
    expect_what_was_asked_for(config, type);
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
