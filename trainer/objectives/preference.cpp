#include "trainer/objectives/preference.h"

namespace strop::trainer {

PairLogProbs rewards(const PairLogProbs& policy, const PairLogProbs& reference, double beta) {
  return {beta * (policy.chosen - reference.chosen), beta * (policy.rejected - reference.rejected)};
}

torch::Tensor preference_loss(const PairLogProbs& rewards, const torch::Tensor& epsilon) {
  const torch::Tensor margin = rewards.chosen - rewards.rejected;
  return -(1 - epsilon) * torch::log_sigmoid(margin) - epsilon * torch::log_sigmoid(-margin);
}

}  // namespace strop::trainer
