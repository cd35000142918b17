// One more token for each of several sequences that share nothing but the weights.
#include <cmath>

#include "trainer/model/decoder.h"
#include "trainer/model/fused.h"

namespace strop::trainer {

using torch::Tensor;

// The new token's queries [heads, D] over the keys and values [kv_heads, S, D] of its sequence.
// Heads that share keys are rows of one product, so that no key is copied for them.
Tensor Decoder::look_back(const Tensor& q, const Tensor& keys, const Tensor& values) const {
  const Tensor grouped =
      q.view({config_.kv_heads, config_.heads / config_.kv_heads, config_.head_dim});
  const Tensor scores = torch::matmul(
      grouped * (1.0 / std::sqrt(static_cast<double>(config_.head_dim))), keys.transpose(1, 2));
  return torch::matmul(torch::softmax(scores, -1), values).view({1, -1});
}

Tensor Decoder::step(const Tensor& tokens, std::span<KvCache* const> caches) const {
  const auto rows = static_cast<std::int64_t>(caches.size());
  TORCH_CHECK(tokens.dim() == 1 && tokens.size(0) == rows, "step: ", tokens.sizes(), " tokens for ",
              rows, " sequences");
  std::vector<std::int64_t> lengths;
  for (const KvCache* cache : caches) {
    TORCH_CHECK(cache->length < config_.max_positions, "a sequence of ", cache->length + 1,
                " tokens is longer than the model's ", config_.max_positions, " positions");
    lengths.push_back(cache->length);
  }
  const torch::Device device = embedding_.device();
  const Tensor positions = torch::tensor(lengths, torch::kInt64).to(cos_.device());
  const Tensor cos = cos_.index_select(0, positions).unsqueeze(1).to(device);  // [B, 1, D]
  const Tensor sin = sin_.index_select(0, positions).unsqueeze(1).to(device);
  const auto heads = [&](const Tensor& t, std::int64_t n) {
    return t.view({rows, n, config_.head_dim});
  };
  Tensor x = torch::embedding(embedding_, tokens.to(device)).to(compute_type_);  // [B, H]
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const Tensor h = normed(x, layer.attention_norm);
    Tensor q = heads(layer.q.forward(h, with_adapter_), config_.heads);
    Tensor k = heads(layer.k.forward(h, with_adapter_), config_.kv_heads);
    const Tensor v = heads(layer.v.forward(h, with_adapter_), config_.kv_heads);
    if (config_.qk_norm) {
      q = rms_norm(q, layer.q_norm, config_.norm_eps);
      k = rms_norm(k, layer.k_norm, config_.norm_eps);
    }
    q = rotated(q, cos, sin);
    k = rotated(k, cos, sin);
    std::vector<Tensor> mixed;
    for (std::int64_t row = 0; row < rows; ++row) {
      const KvCache& cache = *caches[static_cast<std::size_t>(row)];
      const Tensor keys = cache.keys[i].select(0, 0);  // [kv_heads, capacity, D]
      const Tensor values = cache.values[i].select(0, 0);
      keys.select(1, cache.length).copy_(k.select(0, row));
      values.select(1, cache.length).copy_(v.select(0, row));
      mixed.push_back(look_back(q.select(0, row), keys.narrow(1, 0, cache.length + 1),
                                values.narrow(1, 0, cache.length + 1)));
    }
    x = x + layer.o.forward(rows == 1 ? mixed.front() : torch::cat(mixed), with_adapter_);
    x = x + mlp(layer, normed(x, layer.mlp_norm));
  }
  for (KvCache* cache : caches) ++cache->length;
  return normed(x, norm_);
}

}  // namespace strop::trainer
