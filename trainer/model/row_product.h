// x·Wᵀ + b of a single row x.
//
// A pure function; any thread. Shapes: x [..., in] with `in` numbers, W [out, in], b [out] or
// undefined → [..., out]. One row is a product of matrix and vector: a product of matrices lays all
// of W out anew first, which costs three times the reading of it and is what a token's time would
// be spent on.
#pragma once

#include <torch/torch.h>

namespace strop::trainer {

torch::Tensor row_product(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias);

}  // namespace strop::trainer
