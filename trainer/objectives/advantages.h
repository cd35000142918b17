// How much better what was done is than what was to be expected, by which policy gradients are
// weighted.
//
// Pure functions of tensors without gradients; any thread. Shapes: B texts of at most T tokens.
// Rewards and values are in the reward's own unit, which GRPO's advantages are free of. Errors:
// std::invalid_argument for shapes that do not agree.
#pragma once

#include <cstdint>

#include "trainer/torch.h"

namespace strop::trainer {

struct GaeOptions {
  double gamma = 1;  // worth of what comes a token later
  double lambda = 0.95;
};

// Generalized advantage estimation (Schulman et al. 2016, eq. 16): δ_t = r_t + γ·V_{t+1} − V_t and
// A_t = δ_t + γλ·A_{t+1}, where nothing follows a text's last token. rewards, values [B, T], `mask`
// [B, T] 1 for the tokens of a text, which come first, else 0 → [B, T], 0 behind a text. What the
// values should have been is A + V.
torch::Tensor gae_advantages(const torch::Tensor& rewards, const torch::Tensor& values,
                             const torch::Tensor& mask, const GaeOptions& options);

enum class GroupScale {
  kDeviation,  // (r − mean) / (standard deviation + 1e-4), Shao et al. 2024, as TRL computes it
  kNone,       // r − mean: Liu et al. 2025, "Dr. GRPO"
};

// rewards [N] of completions, `group` of them for each prompt, one after another → [N].
torch::Tensor group_advantages(const torch::Tensor& rewards, std::int64_t group, GroupScale scale);

}  // namespace strop::trainer
