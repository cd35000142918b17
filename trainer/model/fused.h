// Steps of a decoder's layer that keep less for the backward pass, and pass over memory less often,
// than the same formula in single operators.
//
// Pure functions of tensors, differentiable; any thread. No errors: shapes that do not agree are
// c10::Error.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

// x · w / √(mean(x²) + ε) over the last dimension (Zhang & Sennrich 2019): x [..., D], weight [D].
// Half precision is computed in float32 and rounded at the end; on a GPU a weight that is not
// trained is rounded as x is.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double eps);

// silu(gate) · up (Shazeer 2020, SwiGLU), of one shape. Half precision is rounded after each step
// on a CPU, once on a GPU.
torch::Tensor gated_silu(const torch::Tensor& gate, const torch::Tensor& up);

// By how much the numbers of each token are turned, cos and sin [T, 1, D], where sin of the first
// half has a minus sign.
struct Turns {
  torch::Tensor cos;
  torch::Tensor sin;
  // Where a kernel of a GPU takes tables of x's type alone: what they lack, to twice its bits; else
  // undefined.
  torch::Tensor cos_rest;
  torch::Tensor sin_rest;

  // Tables in float32, for an x of this type where they are.
  static Turns of(const torch::Tensor& cos, const torch::Tensor& sin, torch::ScalarType type);
  Turns index_select(const torch::Tensor& tokens) const;
};

// Rotary positions in the half-split form of the Hugging Face checkpoints (Su et al. 2021), x
// [T, H, D], or any of which the tables' shapes are a part. Computed in float32 and rounded once.
torch::Tensor turned(const torch::Tensor& x, const Turns& turns);

}  // namespace strop::trainer
