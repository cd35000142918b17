// The unpaired term, KTO: a completion that was wanted is to become likelier than the policy has
// drifted on the whole, one that was not wanted less likely.
//
// Pure functions of tensors, differentiable; any thread. Shapes: N examples, everything is [N].
// Log-probs are summed over a completion's tokens, in nats. Notation: r = log π(y|x) − log
// π_ref(y|x) of an example's own completion, z the drift, λ the weight of a label. Source:
// Ethayarajh et al. 2024, "KTO: Model Alignment as Prospect Theoretic Optimization", eq. 8, with z
// as its section 4.1 estimates it. Errors: shapes that do not agree are c10::Error.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

struct UnpairedOptions {
  double beta = 0.1;
  double desirable = 1;    // λ of what was wanted
  double undesirable = 1;  // λ of what was not
};

// z = max(0, mean r') over the examples of a step, where r' is r of a prompt with the completion of
// another example; a number, without a gradient. `policy`, `reference`: log-probs of those.
double reference_point(const torch::Tensor& policy, const torch::Tensor& reference);

// λ_d·(1 − σ(β(r − z))) of what was wanted, λ_u·(1 − σ(β(z − r))) of what was not; `wanted` is 1 or
// 0. ε, 0 … 1, is the probability that the label is wrong: (1−ε)·L + ε·L' with L' as of the other
// label.
torch::Tensor unpaired_loss(const UnpairedOptions& options, const torch::Tensor& policy,
                            const torch::Tensor& reference, double z, const torch::Tensor& wanted,
                            const torch::Tensor& epsilon);

}  // namespace strop::trainer
