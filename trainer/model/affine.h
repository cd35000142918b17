// x·Wᵀ + b by whatever computes that shape fastest on this processor.
//
// A function of values, differentiable; any thread. Shapes: x [..., in], W [out, in], b [out] or
// undefined → [..., out]. Which way is taken follows from shapes, types, what is learnt, processor
// and build, and from nothing that differs between two runs, so that a run can be repeated bit for
// bit. No errors of its own: shapes that do not agree are c10::Error.
#pragma once

#include <cstdint>

#include "trainer/torch.h"

namespace strop::trainer {

// Whether so many rows of W's type [out, in] go another way than LibTorch's products do.
bool is_affine_faster(std::int64_t rows, const torch::Tensor& weight);

torch::Tensor affine(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias);

}  // namespace strop::trainer
