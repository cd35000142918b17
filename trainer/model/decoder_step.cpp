// How a sequence goes on from keys and values that are known: a prompt by a part of it, several
// sequences that share nothing but the weights by one token each.
#include "trainer/model/decoder.h"

namespace strop::trainer {

using torch::Tensor;

// The new token's queries [heads, D], scaled, over the keys and values [kv_heads, S, D] of its
// sequence. Heads that share keys are rows of one product, so that no key is copied for them.
Tensor Decoder::look_back(const Tensor& q, const Tensor& keys, const Tensor& values) const {
  const Tensor grouped =
      q.view({config_.kv_heads, config_.heads / config_.kv_heads, config_.head_dim});
  const Tensor scores = torch::matmul(grouped, keys.transpose(1, 2));
  return torch::matmul(torch::softmax(scores, -1), values).view({1, -1});
}

Tensor Decoder::read(const Tensor& tokens, KvCache& cache) const {
  const std::int64_t length = tokens.size(0);
  const std::int64_t end = cache.length + length;
  TORCH_CHECK(tokens.dim() == 1 && length > 0, "read: ", tokens.sizes(), " is no row of tokens");
  check_positions(end);
  const torch::Device device = embedding_.device();
  const auto queries_from = [&](std::int64_t first) {
    const std::vector<PackedGroup> group{{.prompt = end, .completions = {}, .asked = first}};
    return c10::make_intrusive<PackedText>(group, device);
  };
  const auto all = queries_from(cache.length);
  const auto only_last = queries_from(end - 1);
  const Tensor cos = cos_.narrow(0, cache.length, length).unsqueeze(1);  // [T, 1, D]
  const Tensor sin = sin_.narrow(0, cache.length, length).unsqueeze(1);
  const Tensor query_cos = scaled(cos);
  const Tensor query_sin = scaled(sin);
  Tensor x = torch::embedding(embedding_, tokens.to(device)).to(compute_type_);  // [T, H]
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const std::int64_t skipped = i + 1 == layers_.size() ? length - 1 : 0;
    const auto asked = [&](const Tensor& rows) {
      return rows.narrow(0, skipped, length - skipped);
    };
    const Tensor h = normed(x, layer.attention_norm);
    const Tensor k = turned(heads(layer.k, layer.k_norm, h), {cos, sin, {}, {}});
    const Tensor q = turned(heads(layer.q, layer.q_norm, asked(h)),
                            {asked(query_cos), asked(query_sin), {}, {}});
    const Tensor keys = cache.keys[i].select(0, 0);  // [kv_heads, capacity, D]
    const Tensor values = cache.values[i].select(0, 0);
    keys.narrow(1, cache.length, length).copy_(k.transpose(0, 1));
    values.narrow(1, cache.length, length).copy_(heads(layer.v, {}, h).transpose(0, 1));
    const Tensor mixed =
        packed_attention(q.transpose(0, 1), keys.narrow(1, 0, end), values.narrow(1, 0, end),
                         skipped > 0 ? only_last : all, Queries::kAsked);
    x = asked(x) + layer.o.forward(mixed.transpose(0, 1).flatten(1), with_adapter_);
    x = x + mlp(layer, normed(x, layer.mlp_norm));
  }
  cache.length = end;
  return normed(x, norm_);
}

Tensor Decoder::step(const Tensor& tokens, std::span<KvCache* const> caches) const {
  const auto rows = static_cast<std::int64_t>(caches.size());
  TORCH_CHECK(tokens.dim() == 1 && tokens.size(0) == rows, "step: ", tokens.sizes(), " tokens for ",
              rows, " sequences");
  std::vector<std::int64_t> lengths;
  for (const KvCache* cache : caches) {
    check_positions(cache->length + 1);
    lengths.push_back(cache->length);
  }
  const torch::Device device = embedding_.device();
  const Tensor positions = torch::tensor(lengths, torch::kInt64).to(device);
  const Tensor cos = cos_.index_select(0, positions).unsqueeze(1);  // [B, 1, D]
  const Tensor sin = sin_.index_select(0, positions).unsqueeze(1);
  const Tensor query_cos = scaled(cos);
  const Tensor query_sin = scaled(sin);
  Tensor x = torch::embedding(embedding_, tokens.to(device)).to(compute_type_);  // [B, H]
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const Tensor h = normed(x, layer.attention_norm);
    const Tensor q = turned(heads(layer.q, layer.q_norm, h), {query_cos, query_sin, {}, {}});
    const Tensor k = turned(heads(layer.k, layer.k_norm, h), {cos, sin, {}, {}});
    const Tensor v = heads(layer.v, {}, h);
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
