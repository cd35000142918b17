// x·Wᵀ + b, where x may be a single row.
//
// A pure function; any thread. Shapes: x [..., in], W [out, in], b [out] or undefined → [..., out].
// One row is a product of matrix and vector: a product of matrices lays all of W out anew first,
// which costs three times the reading of it and is what a token's time would be spent on.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace strop::trainer {

inline torch::Tensor row_product(const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias) {
  if (x.numel() != weight.size(1)) return torch::linear(x, weight, bias);
  const torch::Tensor row = x.reshape(-1);
  const torch::Tensor y = bias.defined() ? torch::addmv(bias, weight, row) : torch::mv(weight, row);
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return y.view(shape);
}

}  // namespace strop::trainer
