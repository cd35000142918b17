// W·x: one row through a linear layer.
//
// A pure function, differentiable; any thread. Shapes: W [out, in], x [in] → [out]. A product of
// matrices lays all of W out anew first, which costs three times the reading of it and is what a
// token's time would be spent on. Errors: shapes that do not agree are c10::Error.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

torch::Tensor row_product(const torch::Tensor& weight, const torch::Tensor& row);
// Of half precision the sums as they are, in float32.
torch::Tensor wide_row_product(const torch::Tensor& weight, const torch::Tensor& row);

}  // namespace strop::trainer
