// Large pages for large tensors.
//
// Functions; any thread. Where the kernel has none to give nothing is lost. No errors.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

// An empty tensor in host memory that is to be kept and read often: fewer faults now, fewer misses
// of the address cache later.
torch::Tensor empty_on_huge_pages(at::IntArrayRef shape, torch::ScalarType type);

// The tensor itself if it is contiguous and of this type, else such a copy.
torch::Tensor in_type(const torch::Tensor& tensor, torch::ScalarType type);

}  // namespace strop::trainer
