// The preference term: how much likelier the chosen completion has become than the rejected one,
// next to the reference.
//
// Pure functions of tensors, differentiable; any thread. Shapes: N pairs. Log-probs are summed over
// a completion's tokens, in nats. Sources: DPO, Rafailov et al. 2023, eq. 7; conservative DPO,
// Mitchell 2023, "A note on DPO with noisy preferences", eq. 3. No errors: shapes that do not agree
// are c10::Error.
#pragma once

#include <torch/torch.h>

namespace strop::trainer {

// Summed log-probs of the two completions of each pair, [N] both.
struct PairLogProbs {
  torch::Tensor chosen;
  torch::Tensor rejected;
};

// β·(log π − log π_ref) of the chosen and of the rejected, [N] both.
PairLogProbs rewards(const PairLogProbs& policy, const PairLogProbs& reference, double beta);

// −(1−ε)·log σ(m) − ε·log σ(−m) for m = reward of the chosen less that of the rejected, [N]; ε [N]
// is the probability that a label is wrong. With ε = 0 this is the sigmoid loss of DPO.
torch::Tensor preference_loss(const PairLogProbs& rewards, const torch::Tensor& epsilon);

}  // namespace strop::trainer
