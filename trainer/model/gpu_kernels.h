// Steps of a layer that are several operators of LibTorch's, each in one pass over GPU memory: what
// they take there is what they read and write. LibTorch compiles them for the GPU at hand when they
// are first used (its jiterator, by NVRTC of the wheel).
//
// Pure functions of half-precision tensors on a GPU; any thread. They compute in float32 and round
// once. REQUIRES: has_gpu_kernels; without STROP_HAS_GPU_KERNELS there are none.
#pragma once

#include <utility>

#include "trainer/torch.h"

namespace strop::trainer {

// Whether `t` is such a tensor; the first that is has the kernels tried.
bool has_gpu_kernels(const torch::Tensor& t);

// silu(gate)·up, and the gradients of both by that of the product.
torch::Tensor gated_silu_on_gpu(const torch::Tensor& gate, const torch::Tensor& up);
std::pair<torch::Tensor, torch::Tensor> gated_silu_backward_on_gpu(const torch::Tensor& gradient,
                                                                   const torch::Tensor& gate,
                                                                   const torch::Tensor& up);

// x·(cos + cos_rest) + other·(sin + sin_rest), all of x's type: x and other [T, H, D], the tables
// [T, 1, D].
torch::Tensor turned_on_gpu(const torch::Tensor& x, const torch::Tensor& other,
                            const torch::Tensor& cos, const torch::Tensor& cos_rest,
                            const torch::Tensor& sin, const torch::Tensor& sin_rest);

}  // namespace strop::trainer
