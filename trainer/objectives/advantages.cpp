#include "trainer/objectives/advantages.h"

#include <stdexcept>
#include <string>

namespace strop::trainer {

using torch::Tensor;

namespace {

constexpr double kLeastDeviation = 1e-4;  // added to it: a group whose rewards are alike has none

}  // namespace

Tensor gae_advantages(const Tensor& rewards, const Tensor& values, const Tensor& mask,
                      const GaeOptions& options) {
  if (rewards.dim() != 2 || rewards.sizes() != values.sizes() || rewards.sizes() != mask.sizes())
    throw std::invalid_argument("gae_advantages: rewards, values and mask must be of one shape");
  Tensor out = torch::zeros_like(rewards);
  Tensor next_value = torch::zeros_like(rewards.select(1, 0));
  Tensor next = torch::zeros_like(next_value);
  for (std::int64_t t = rewards.size(1) - 1; t >= 0; --t) {
    const Tensor here = mask.select(1, t);
    const Tensor value = values.select(1, t) * here;
    const Tensor delta = rewards.select(1, t) + options.gamma * next_value - value;
    next = (delta + options.gamma * options.lambda * next) * here;
    out.select(1, t).copy_(next);
    next_value = value;
  }
  return out;
}

Tensor group_advantages(const Tensor& rewards, std::int64_t group, GroupScale scale) {
  if (rewards.dim() != 1 || group < 2 || rewards.size(0) % group != 0)
    throw std::invalid_argument("group_advantages: " + std::to_string(rewards.numel()) +
                                " rewards are no groups of " + std::to_string(group) +
                                "; a group has at least two");
  const Tensor grouped = rewards.view({-1, group});
  Tensor out = grouped - grouped.mean(1, true);
  if (scale == GroupScale::kDeviation)
    out = out / (grouped.std(1, /*unbiased=*/true, /*keepdim=*/true) + kLeastDeviation);
  return out.view({-1});
}

}  // namespace strop::trainer
