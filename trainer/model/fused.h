// Steps of a decoder's layer that keep less for the backward pass, and pass over memory less often,
// than the same formula in single operators.
//
// Pure functions of tensors, differentiable; any thread. No errors: shapes that do not agree are
// c10::Error.
#pragma once

#include <torch/torch.h>

namespace strop::trainer {

// x · w / √(mean(x²) + ε) over the last dimension (Zhang & Sennrich 2019): x [..., D], weight [D].
// Half precision is computed in float32 and rounded at the end.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double eps);

// silu(gate) · up (Shazeer 2020, SwiGLU), of one shape. Half precision is rounded after each step.
torch::Tensor gated_silu(const torch::Tensor& gate, const torch::Tensor& up);

}  // namespace strop::trainer
