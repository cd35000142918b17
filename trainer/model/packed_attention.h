// Attention over a packed text, a block of queries at a time: no more of it than a block is ever in
// memory, since the backward pass computes each block anew (Dao et al. 2022, FlashAttention,
// algorithms 1 and 4, with blocks that hold all their keys). In half precision on a GPU that
// LibTorch's own FlashAttention kernels are for, those, with every sequence in one launch.
//
// A pure function of tensors, differentiable; any thread. Shapes: H query heads, G key heads, H a
// multiple of G, T tokens, N queries, D numbers a head. No errors: shapes that do not agree are
// c10::Error.
#pragma once

#include "trainer/model/packed_text.h"
#include "trainer/torch.h"

namespace strop::trainer {

enum class Queries { kAll, kAsked };

// Whether it goes by the text's sequences instead of its blocks, with D numbers a head. The first
// call on a GPU tries them there, on a small text: what is missing or wrong is not used.
bool attends_by_sequences(torch::Device device, torch::ScalarType type, std::int64_t head_dim);

// softmax(q·kᵀ + bias)·v: q [H, N, D], scaled already, k and v [G, T, D] → [H, N, D].
torch::Tensor packed_attention(const torch::Tensor& q, const torch::Tensor& k,
                               const torch::Tensor& v, const c10::intrusive_ptr<PackedText>& text,
                               Queries queries);

}  // namespace strop::trainer
