// Half precision as float32, for sums that eight bits are too few for; what is wider stays.
//
// A pure function, differentiable; any thread, any shape. No errors.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

inline torch::Tensor wide(const torch::Tensor& t) {
  return t.element_size() < 4 ? t.to(torch::kFloat32) : t;
}

}  // namespace strop::trainer
