#include "trainer/model/decoder.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <limits>

namespace strop::trainer {
namespace {

using torch::Tensor;

// x · w / √(mean(x²) + ε) over the last dimension (Zhang & Sennrich 2019).
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  const Tensor scale = torch::rsqrt(x.pow(2).mean(-1, true) + eps);
  return x * scale * weight;
}

// Rotary positions in the half-split form of the Hugging Face checkpoints (Su et al. 2021): x [B,
// heads, T, D], cos and sin [B or 1, 1, T, D]; sin carries the minus sign of the first half.
Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  return torch::addcmul(x * cos, torch::roll(x, x.size(-1) / 2, -1), sin);
}

}  // namespace

Decoder::Decoder(const ModelConfig& config)
    : config_(config), layers_(static_cast<std::size_t>(config.layers)) {
  const auto half =
      torch::arange(0, config.head_dim, 2, torch::kFloat64) / static_cast<double>(config.head_dim);
  const Tensor frequency = torch::pow(config.rope_theta, -half);
  const Tensor position = torch::arange(config.max_positions, torch::kFloat64) / config.rope_scale;
  const Tensor angle = torch::outer(position, frequency);
  cos_ = torch::cat({angle.cos(), angle.cos()}, 1).to(torch::kFloat32);
  sin_ = torch::cat({-angle.sin(), angle.sin()}, 1).to(torch::kFloat32);
}

void Decoder::for_each_tensor(const std::function<void(const std::string&, Tensor&)>& visit) {
  visit("model.embed_tokens.weight", embedding_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    visit(prefix + "input_layernorm.weight", layer.attention_norm);
    visit(prefix + "post_attention_layernorm.weight", layer.mlp_norm);
    for (Linear* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
      visit(linear->name() + ".weight", linear->weight());
      if (config_.qkv_bias && (linear == &layer.q || linear == &layer.k || linear == &layer.v))
        visit(linear->name() + ".bias", linear->bias());
    }
  }
  visit("model.norm.weight", norm_);
  if (!config_.tied_head) visit("lm_head.weight", head_);
}

tl::expected<Decoder, std::string> Decoder::from_tensors(const ModelConfig& config,
                                                         NamedTensors tensors) {
  Decoder out(config);
  const std::int64_t q = config.heads * config.head_dim;
  const std::int64_t kv = config.kv_heads * config.head_dim;
  std::string fault;
  const auto take = [&](const std::string& name, std::vector<std::int64_t> shape) -> Tensor {
    auto found = tensors.find(name);
    if (found == tensors.end()) {
      if (fault.empty())
        fault = "tensor '" + name + "' is missing: the checkpoint does not fit its config.json";
      return {};
    }
    Tensor tensor = found->second.to(torch::kFloat32).contiguous();
    tensors.erase(found);
    if (tensor.sizes().vec() != shape && fault.empty()) {
      std::ostringstream text;
      text << "tensor '" << name << "' has shape " << tensor.sizes() << ", config.json wants "
           << torch::IntArrayRef(shape);
      fault = text.str();
    }
    return tensor;
  };
  out.embedding_ = take("model.embed_tokens.weight", {config.vocab, config.hidden});
  for (std::size_t i = 0; i < out.layers_.size(); ++i) {
    Layer& layer = out.layers_[i];
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    const auto linear = [&](const std::string& name, std::int64_t rows, std::int64_t columns,
                            bool bias) {
      return Linear(prefix + name, take(prefix + name + ".weight", {rows, columns}),
                    bias ? take(prefix + name + ".bias", {rows}) : Tensor());
    };
    layer.attention_norm = take(prefix + "input_layernorm.weight", {config.hidden});
    layer.mlp_norm = take(prefix + "post_attention_layernorm.weight", {config.hidden});
    layer.q = linear("self_attn.q_proj", q, config.hidden, config.qkv_bias);
    layer.k = linear("self_attn.k_proj", kv, config.hidden, config.qkv_bias);
    layer.v = linear("self_attn.v_proj", kv, config.hidden, config.qkv_bias);
    layer.o = linear("self_attn.o_proj", config.hidden, q, false);
    layer.gate = linear("mlp.gate_proj", config.intermediate, config.hidden, false);
    layer.up = linear("mlp.up_proj", config.intermediate, config.hidden, false);
    layer.down = linear("mlp.down_proj", config.hidden, config.intermediate, false);
  }
  out.norm_ = take("model.norm.weight", {config.hidden});
  if (!config.tied_head) out.head_ = take("lm_head.weight", {config.vocab, config.hidden});
  // A tied checkpoint may still carry the head.
  tensors.erase("lm_head.weight");
  // Old checkpoints carry a buffer that is computed here.
  std::erase_if(tensors, [](const auto& entry) {
    return entry.first.find("rotary_emb.inv_freq") != std::string::npos;
  });
  if (fault.empty() && !tensors.empty())
    fault = "tensor '" + tensors.begin()->first + "' is not one this architecture has";
  if (!fault.empty()) return tl::unexpected(fault);
  return out;
}

Decoder Decoder::random(const ModelConfig& config, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const double small = 0.02 / std::sqrt(2.0 * static_cast<double>(config.layers));
  NamedTensors tensors;
  const auto normal = [&](std::vector<std::int64_t> shape, double deviation) {
    return torch::empty(shape, torch::kFloat32).normal_(0, deviation, generator);
  };
  const std::int64_t q = config.heads * config.head_dim;
  const std::int64_t kv = config.kv_heads * config.head_dim;
  tensors["model.embed_tokens.weight"] = normal({config.vocab, config.hidden}, 0.02);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    tensors[prefix + "input_layernorm.weight"] = torch::ones({config.hidden});
    tensors[prefix + "post_attention_layernorm.weight"] = torch::ones({config.hidden});
    tensors[prefix + "self_attn.q_proj.weight"] = normal({q, config.hidden}, 0.02);
    tensors[prefix + "self_attn.k_proj.weight"] = normal({kv, config.hidden}, 0.02);
    tensors[prefix + "self_attn.v_proj.weight"] = normal({kv, config.hidden}, 0.02);
    tensors[prefix + "self_attn.o_proj.weight"] = normal({config.hidden, q}, small);
    tensors[prefix + "mlp.gate_proj.weight"] = normal({config.intermediate, config.hidden}, 0.02);
    tensors[prefix + "mlp.up_proj.weight"] = normal({config.intermediate, config.hidden}, 0.02);
    tensors[prefix + "mlp.down_proj.weight"] = normal({config.hidden, config.intermediate}, small);
    if (config.qkv_bias) {
      tensors[prefix + "self_attn.q_proj.bias"] = torch::zeros({q});
      tensors[prefix + "self_attn.k_proj.bias"] = torch::zeros({kv});
      tensors[prefix + "self_attn.v_proj.bias"] = torch::zeros({kv});
    }
  }
  tensors["model.norm.weight"] = torch::ones({config.hidden});
  if (!config.tied_head) tensors["lm_head.weight"] = normal({config.vocab, config.hidden}, 0.02);
  return *from_tensors(config, std::move(tensors));
}

tl::expected<Decoder, std::string> Decoder::load(const std::string& directory) {
  const auto config = load_config(directory);
  if (!config) return tl::unexpected(config.error());
  auto tensors = read_model_tensors(directory);
  if (!tensors) return tl::unexpected(tensors.error());
  try {
    return from_tensors(*config, std::move(*tensors)).map_error([&](const std::string& error) {
      return directory + ": " + error;
    });
  } catch (const c10::Error& error) {  // LibTorch has no other word for memory that is not there
    return tl::unexpected(directory + ": " + error.what_without_backtrace());
  }
}

Tensor Decoder::attend(const Layer& layer, std::size_t index, const Tensor& x,
                       const ForwardInput& input, const Tensor& cos, const Tensor& sin,
                       const Tensor& bias) const {
  const std::int64_t batch = x.size(0);
  const std::int64_t length = x.size(1);
  const auto heads = [&](const Tensor& t, std::int64_t n) {
    return t.view({batch, length, n, config_.head_dim}).transpose(1, 2);
  };
  Tensor q = rotate(heads(layer.q.forward(x, with_adapter_), config_.heads), cos, sin);
  Tensor k = rotate(heads(layer.k.forward(x, with_adapter_), config_.kv_heads), cos, sin);
  Tensor v = heads(layer.v.forward(x, with_adapter_), config_.kv_heads);
  if (input.cache != nullptr) {
    KvCache& cache = *input.cache;
    cache.keys[index].narrow(2, cache.length, length).copy_(k);
    cache.values[index].narrow(2, cache.length, length).copy_(v);
    k = cache.keys[index].narrow(2, 0, cache.length + length);
    v = cache.values[index].narrow(2, 0, cache.length + length);
  }
  const std::int64_t keys = k.size(2);
  if (config_.heads != config_.kv_heads) {
    const std::int64_t group = config_.heads / config_.kv_heads;
    const auto repeat = [&](const Tensor& t) {
      return t.unsqueeze(2)
          .expand({batch, config_.kv_heads, group, keys, config_.head_dim})
          .reshape({batch, config_.heads, keys, config_.head_dim});
    };
    k = repeat(k);
    v = repeat(v);
  }
  Tensor scores = torch::matmul(q * (1.0 / std::sqrt(static_cast<double>(config_.head_dim))),
                                k.transpose(2, 3));
  if (bias.defined()) scores = scores + bias;
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1), v);
  return layer.o.forward(
      mixed.transpose(1, 2).reshape({batch, length, config_.heads * config_.head_dim}),
      with_adapter_);
}

Tensor Decoder::hidden(const ForwardInput& input) const {
  const std::int64_t length = input.tokens.size(1);
  const std::int64_t cached = input.cache == nullptr ? 0 : input.cache->length;
  Tensor cos;
  Tensor sin;
  if (input.positions.defined()) {
    cos = cos_.index_select(0, input.positions.reshape(-1))
              .view({input.positions.size(0), 1, length, -1});
    sin = sin_.index_select(0, input.positions.reshape(-1))
              .view({input.positions.size(0), 1, length, -1});
  } else {
    TORCH_CHECK(cached + length <= config_.max_positions, "a sequence of ", cached + length,
                " tokens is longer than the model's ", config_.max_positions, " positions");
    cos = cos_.narrow(0, cached, length).view({1, 1, length, -1});
    sin = sin_.narrow(0, cached, length).view({1, 1, length, -1});
  }
  // What may not be looked at gets −∞; a single new token without a mask sees everything.
  Tensor bias;
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (input.mask.defined())
    bias = torch::zeros(input.mask.sizes(), torch::kFloat32)
               .masked_fill_(input.mask.logical_not(), kNever);
  else if (length > 1)
    bias = torch::full({length, cached + length}, kNever).triu_(cached + 1);

  Tensor x = torch::embedding(embedding_, input.tokens);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    x = x + attend(layer, i, rms_norm(x, layer.attention_norm, config_.norm_eps), input, cos, sin,
                   bias);
    const Tensor y = rms_norm(x, layer.mlp_norm, config_.norm_eps);
    x = x + layer.down.forward(torch::silu(layer.gate.forward(y, with_adapter_)) *
                                   layer.up.forward(y, with_adapter_),
                               with_adapter_);
  }
  if (input.cache != nullptr) input.cache->length += length;
  return rms_norm(x, norm_, config_.norm_eps);
}

Tensor Decoder::logits(const Tensor& rows) const {
  return torch::linear(rows, head_.defined() ? head_ : embedding_);
}

KvCache Decoder::make_cache(std::int64_t batch, std::int64_t capacity) const {
  KvCache cache;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    cache.keys.push_back(torch::zeros({batch, config_.kv_heads, capacity, config_.head_dim}));
    cache.values.push_back(torch::zeros({batch, config_.kv_heads, capacity, config_.head_dim}));
  }
  return cache;
}

NamedTensors Decoder::tensors() const {
  NamedTensors out;
  const_cast<Decoder*>(this)->for_each_tensor(
      [&](const std::string& name, Tensor& tensor) { out[name] = tensor; });
  return out;
}

NamedTensors Decoder::merged_tensors() const {
  NamedTensors out = tensors();
  for (const Linear* linear : const_cast<Decoder*>(this)->linears())
    out[linear->name() + ".weight"] = linear->merged_weight();
  return out;
}

std::vector<Linear*> Decoder::linears() {
  std::vector<Linear*> out;
  for (Layer& layer : layers_)
    for (Linear* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
      out.push_back(linear);
  return out;
}

std::vector<Tensor> Decoder::trainable() {
  std::vector<Tensor> out;
  const auto take = [&](Tensor& tensor) {
    if (tensor.defined() && tensor.requires_grad()) out.push_back(tensor);
  };
  for_each_tensor([&](const std::string&, Tensor& tensor) { take(tensor); });
  for (Linear* linear : linears()) {
    take(linear->a());
    take(linear->b());
  }
  return out;
}

Decoder Decoder::replica() const {
  Decoder out = *this;
  const auto renew = [](Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.detach().set_requires_grad(tensor.requires_grad());
  };
  out.for_each_tensor([&](const std::string&, Tensor& tensor) { renew(tensor); });
  for (Linear* linear : out.linears()) {
    renew(linear->a());
    renew(linear->b());
  }
  return out;
}

void Decoder::set_training(bool on) {
  for (Linear* linear : linears()) linear->set_training(on);
}

}  // namespace strop::trainer
