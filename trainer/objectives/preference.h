// The preference terms: how much likelier the chosen completion has become than the rejected one.
//
// Pure functions of tensors, differentiable; any thread. Shapes: N pairs; everything is [N].
// Log-probs are summed over a completion's tokens, in nats; lengths count those tokens. Notation:
// r = log π − log π_ref of a side, r̄ = r by its length, l̄ = log π by its length, c chosen, r
// rejected. Sources: DPO, Rafailov et al. 2023, eq. 7; conservative DPO, Mitchell 2023, "A note on
// DPO with noisy preferences", eq. 3; robust DPO, Chowdhury et al. 2024, eq. 12; IPO, Azar et al.
// 2023, eq. 17, by length as in its authors' later code; hinge (SLiC), Zhao et al. 2023; APO-zero,
// D'Oosterlinck et al. 2024; SimPO, Meng et al. 2024, eq. 6. Errors: shapes that do not agree are
// c10::Error.
#pragma once

#include <optional>
#include <string_view>

#include "trainer/torch.h"

namespace strop::trainer {

// Summed log-probs of the two completions of each pair.
struct PairLogProbs {
  torch::Tensor chosen;
  torch::Tensor rejected;
};

// Tokens of the two completions, at least 1.
struct PairLengths {
  torch::Tensor chosen;
  torch::Tensor rejected;
};

// L below is a term where the labels are right; ε is the probability that a label is wrong, and
// then chosen and rejected change places (L'). All but kRobust: (1−ε)·L + ε·L'.
enum class PreferenceTerm {
  kSigmoid,      // −log σ(β(r_c − r_r)); with ε this is conservative DPO
  kRobust,       // the same, but ((1−ε)·L − ε·L') / (1−2ε): unbiased; ε below ½
  kHinge,        // max(0, 1 − β(r_c − r_r))
  kIpo,          // (r̄_c − r̄_r − 1/(2β))²
  kSigmoidNorm,  // −log σ(β(r̄_c − r̄_r))
  kApoZero,      // 1 − σ(β·r_c) + σ(β·r_r)
  kSimpo,        // −log σ(β(l̄_c − l̄_r) − γ): without a reference
};

// "sigmoid", "robust", "hinge", "ipo", "sigmoid_norm", "apo_zero", "simpo".
std::string_view term_name(PreferenceTerm term);
std::optional<PreferenceTerm> term_by_name(std::string_view name);

struct PreferenceOptions {
  PreferenceTerm term = PreferenceTerm::kSigmoid;
  double beta = 0.1;
  double gamma = 0.5;  // of SimPO alone
};

// β·(log π − log π_ref) of the chosen and of the rejected.
PairLogProbs rewards(const PairLogProbs& policy, const PairLogProbs& reference, double beta);

// What the term compares of each side: r, r̄ or l̄. The side that is ahead is the preferred one.
PairLogProbs compared_sides(const PreferenceOptions& options, const PairLogProbs& policy,
                            const PairLogProbs& reference, const PairLengths& lengths);

// The term of each pair; `epsilon` 0 … 1.
torch::Tensor preference_loss(const PreferenceOptions& options, const PairLogProbs& policy,
                              const PairLogProbs& reference, const PairLengths& lengths,
                              const torch::Tensor& epsilon);

}  // namespace strop::trainer
