#include "trainer/objectives/unpaired.h"

#include <algorithm>

namespace strop::trainer {

using torch::Tensor;

double reference_point(const Tensor& policy, const Tensor& reference) {
  return std::max(0.0, (policy - reference).mean(torch::kFloat64).item<double>());
}

Tensor unpaired_loss(const UnpairedOptions& options, const Tensor& policy, const Tensor& reference,
                     double z, const Tensor& wanted, const Tensor& epsilon) {
  const Tensor above = options.beta * (policy - reference - z);
  const Tensor good = options.desirable * torch::sigmoid(-above);  // 1 − σ(x) = σ(−x)
  const Tensor bad = options.undesirable * torch::sigmoid(above);
  const Tensor share = wanted * (1 - epsilon) + (1 - wanted) * epsilon;  // that it is wanted
  return share * good + (1 - share) * bad;
}

}  // namespace strop::trainer
