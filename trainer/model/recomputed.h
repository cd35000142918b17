// A part of a model whose insides are computed once more for the backward pass instead of being
// kept from the forward one (Chen et al. 2016, "Training deep nets with sublinear memory cost").
//
// A function of one tensor that is differentiable by it and by every leaf that the part uses; any
// thread. What the part holds must live until the backward pass has ended. Errors: the part's own.
#pragma once

#include <functional>

#include "trainer/torch.h"

namespace strop::trainer {

using ModelPart = std::function<torch::Tensor(const torch::Tensor&)>;

// part(x), any shapes. What the part draws at random comes from `generator`, if there is one: the
// second time it draws the same.
torch::Tensor recomputed(const torch::Tensor& x, const at::Generator& generator, ModelPart part);

}  // namespace strop::trainer
