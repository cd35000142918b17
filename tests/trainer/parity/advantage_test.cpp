// Advantages of whole batches against loops over one number at a time.
#include <gtest/gtest.h>

#include <cmath>

#include "../tiny_model.h"
#include "table.h"
#include "trainer/objectives/advantages.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr const char* kLoops = "loops over numbers";

TEST(Advantages, OfTokensAreThoseOfTheLoop) {
  torch::manual_seed(3);
  const Tensor rewards = torch::randn({3, 7}, torch::kFloat64);
  const Tensor values = torch::randn({3, 7}, torch::kFloat64);
  const std::vector<std::int64_t> lengths{7, 4, 1};
  Tensor mask = torch::zeros({3, 7}, torch::kFloat64);
  for (std::size_t i = 0; i < lengths.size(); ++i)
    mask[static_cast<std::int64_t>(i)].narrow(0, 0, lengths[i]).fill_(1);
  const GaeOptions options{.gamma = 0.9, .lambda = 0.8};
  const Tensor advantages = gae_advantages(rewards, values, mask, options);
  double error = 0;
  for (std::int64_t row = 0; row < 3; ++row) {
    const std::int64_t length = lengths[static_cast<std::size_t>(row)];
    for (std::int64_t t = 0; t < 7; ++t) {
      // A_t = sum over k of (gamma lambda)^k delta_{t+k}, as the paper has it first.
      double wanted = 0;
      for (std::int64_t k = t; k < length; ++k) {
        const double after = k + 1 < length ? values[row][k + 1].item<double>() : 0;
        const double delta =
            rewards[row][k].item<double>() + 0.9 * after - values[row][k].item<double>();
        wanted += std::pow(0.9 * 0.8, static_cast<double>(k - t)) * delta;
      }
      error = std::max(error, std::abs(advantages[row][t].item<double>() - wanted));
    }
  }
  expect_parity({"10 advantages", "GAE, texts of unlike length", kLoops}, error, 1e-6);
}

TEST(Advantages, OfGroupsAreThoseOfTheLoop) {
  torch::manual_seed(4);
  const Tensor rewards = torch::randn({12}, torch::kFloat64);
  const Tensor scaled = group_advantages(rewards, 4, GroupScale::kDeviation);
  const Tensor plain = group_advantages(rewards, 4, GroupScale::kNone);
  double scaled_error = 0;
  double plain_error = 0;
  for (std::int64_t first = 0; first < 12; first += 4) {
    double mean = 0;
    for (std::int64_t i = 0; i < 4; ++i) mean += rewards[first + i].item<double>() / 4;
    double squares = 0;
    for (std::int64_t i = 0; i < 4; ++i)
      squares += std::pow(rewards[first + i].item<double>() - mean, 2);
    const double deviation = std::sqrt(squares / 3);
    for (std::int64_t i = 0; i < 4; ++i) {
      const double above = rewards[first + i].item<double>() - mean;
      plain_error = std::max(plain_error, std::abs(plain[first + i].item<double>() - above));
      scaled_error = std::max(
          scaled_error, std::abs(scaled[first + i].item<double>() - above / (deviation + 1e-4)));
    }
  }
  expect_parity({"10 advantages", "GRPO", kLoops}, scaled_error, 1e-6);
  expect_parity({"10 advantages", "GRPO without the deviation", kLoops}, plain_error, 1e-6);
}

TEST(Advantages, AlikeRewardsHaveNone) {
  const Tensor alike = torch::full({4}, 0.7);
  EXPECT_EQ(
      largest_difference(group_advantages(alike, 2, GroupScale::kDeviation), torch::zeros({4})), 0);
}

TEST(Advantages, WhatDoesNotFitIsRefused) {
  EXPECT_THROW(group_advantages(torch::zeros({5}), 2, GroupScale::kNone), std::invalid_argument);
  EXPECT_THROW(group_advantages(torch::zeros({4}), 1, GroupScale::kNone), std::invalid_argument);
  EXPECT_THROW(gae_advantages(torch::zeros({2, 3}), torch::zeros({2, 4}), torch::zeros({2, 3}), {}),
               std::invalid_argument);
}

}  // namespace
}  // namespace strop::trainer
