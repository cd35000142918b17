// How likely a model thinks given tokens are: the head and the softmax over its vocabulary, for few
// rows at a time, so that the logits of all of them are never in memory.
//
// A pure function of tensors, differentiable; any thread. Shapes: R rows, H hidden size, V
// vocabulary. Units: nats. The gradient by rows follows from what the forward pass has at hand:
// d log p(t)/dh = W[t] − softmax(h·Wᵀ)·W; that by a head which is trained takes the logits once
// more. No errors: shapes that do not agree are c10::Error.
#pragma once

#include "trainer/torch.h"

namespace strop::trainer {

// log p of each row's target: hidden [R, H], head [V, H], targets int64 [R] → [R].
torch::Tensor token_scores(const torch::Tensor& hidden, const torch::Tensor& head,
                           const torch::Tensor& targets);

}  // namespace strop::trainer
