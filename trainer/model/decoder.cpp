#include "trainer/model/decoder.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <limits>

#include "trainer/huge_pages.h"
#include "trainer/model/affine.h"
#include "trainer/model/fused.h"
#include "trainer/model/packed_attention.h"
#include "trainer/model/recomputed.h"
#include "trainer/model/row_product.h"

namespace strop::trainer {

using torch::Tensor;

Decoder::Decoder(const ModelConfig& config)
    : config_(config), layers_(static_cast<std::size_t>(config.layers)) {
  const Tensor position = torch::arange(config.max_positions, torch::kFloat64);
  const Tensor angle = torch::outer(position, rope_frequencies(config.rope, config.head_dim));
  const Tensor cos = angle.cos() * config.rope.attention;
  const Tensor sin = angle.sin() * config.rope.attention;
  cos_ = torch::cat({cos, cos}, 1).to(torch::kFloat32);
  sin_ = torch::cat({-sin, sin}, 1).to(torch::kFloat32);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    const auto name = [&](Linear& linear, const char* known) {
      linear = Linear(prefix + known, {}, {});
    };
    name(layer.q, "self_attn.q_proj");
    name(layer.k, "self_attn.k_proj");
    name(layer.v, "self_attn.v_proj");
    name(layer.o, "self_attn.o_proj");
    name(layer.gate, "mlp.gate_proj");
    name(layer.up, config.gated ? "mlp.up_proj" : "mlp.c_fc");
    name(layer.down, config.gated ? "mlp.down_proj" : "mlp.c_proj");
  }
}

std::vector<Linear*> Decoder::linears_of(Layer& layer) const {
  if (!config_.gated) return {&layer.q, &layer.k, &layer.v, &layer.o, &layer.up, &layer.down};
  return {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down};
}

// Every place that a tensor may have; which of them a family has, tensor_shapes says.
void Decoder::for_each_tensor(const std::function<void(const std::string&, Tensor&)>& visit) {
  const auto norm = [&](const std::string& name, Norm& place) {
    visit(name + ".weight", place.weight);
    visit(name + ".bias", place.bias);
  };
  visit("model.embed_tokens.weight", embedding_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    norm(prefix + "input_layernorm", layer.attention_norm);
    norm(prefix + "post_attention_layernorm", layer.mlp_norm);
    visit(prefix + "self_attn.q_norm.weight", layer.q_norm);
    visit(prefix + "self_attn.k_norm.weight", layer.k_norm);
    for (Linear* linear : linears_of(layer)) {
      visit(linear->name() + ".weight", linear->weight());
      visit(linear->name() + ".bias", linear->bias());
    }
  }
  norm("model.norm", norm_);
  visit("lm_head.weight", head_);
}

tl::expected<Decoder, std::string> Decoder::from_tensors(const ModelConfig& config,
                                                         NamedTensors tensors,
                                                         torch::ScalarType type) {
  NamedTensors fitting;
  for (const TensorShape& wanted : tensor_shapes(config)) {
    const auto found = tensors.find(wanted.name);
    if (found == tensors.end())
      return tl::unexpected("tensor '" + wanted.name +
                            "' is missing: the checkpoint does not fit its config.json");
    if (found->second.sizes().vec() != wanted.shape) {
      std::ostringstream text;
      text << "tensor '" << wanted.name << "' has shape " << found->second.sizes()
           << ", config.json wants " << torch::IntArrayRef(wanted.shape);
      return tl::unexpected(text.str());
    }
    const bool matrix = wanted.shape.size() > 1;
    fitting[wanted.name] = in_type(found->second, matrix ? type : torch::kFloat32);
    tensors.erase(found);
  }
  // A tied checkpoint may still carry the head.
  tensors.erase("lm_head.weight");
  // Old checkpoints carry a buffer that is computed here.
  std::erase_if(tensors, [](const auto& entry) {
    return entry.first.find("rotary_emb.inv_freq") != std::string::npos;
  });
  if (!tensors.empty())
    return tl::unexpected("tensor '" + tensors.begin()->first +
                          "' is not one this architecture has");
  Decoder out(config);
  out.compute_type_ = type;
  out.for_each_tensor([&](const std::string& name, Tensor& tensor) {
    if (const auto found = fitting.find(name); found != fitting.end()) tensor = found->second;
  });
  return out;
}

Decoder Decoder::random(const ModelConfig& config, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const double small = 0.02 / std::sqrt(2.0 * static_cast<double>(config.layers));
  NamedTensors tensors;
  for (const auto& [name, shape] : tensor_shapes(config)) {
    const auto ends = [&name = name](const char* with) { return name.ends_with(with); };
    if (shape.size() == 1) {
      tensors[name] = ends(".bias") ? torch::zeros(shape) : torch::ones(shape);
      continue;
    }
    const bool residual =
        ends("o_proj.weight") || ends("down_proj.weight") || ends("c_proj.weight");
    tensors[name] =
        torch::empty(shape, torch::kFloat32).normal_(0, residual ? small : 0.02, generator);
  }
  return *from_tensors(config, std::move(tensors));
}

tl::expected<Decoder, std::string> Decoder::load(const std::string& directory,
                                                 torch::ScalarType type) {
  return load(directory, [type](const ModelConfig&, torch::ScalarType) { return type; });
}

tl::expected<Decoder, std::string> Decoder::load(const std::string& directory,
                                                 const ChooseType& choose) {
  const auto config = load_config(directory);
  if (!config) return tl::unexpected(config.error());
  auto tensors = read_model_tensors(directory);
  if (!tensors) return tl::unexpected(tensors.error());
  auto widest = torch::kBFloat16;
  for (const auto& [name, tensor] : *tensors)
    if (tensor.dim() > 1) widest = torch::promote_types(widest, tensor.scalar_type());
  const auto type = choose(*config, widest);
  try {
    return from_tensors(*config, std::move(*tensors), type)
        .map_error([&](const std::string& error) { return directory + ": " + error; });
  } catch (const c10::Error& error) {  // LibTorch has no other word for memory that is not there
    return tl::unexpected(directory + ": " + error.what_without_backtrace());
  }
}

Tensor Decoder::normed(const Tensor& x, const Norm& norm) const {
  if (!norm.bias.defined()) return rms_norm(x, norm.weight, config_.norm_eps);
  return torch::layer_norm(x.to(norm.weight.scalar_type()), {config_.hidden}, norm.weight,
                           norm.bias, config_.norm_eps)
      .to(x.scalar_type());
}

Tensor Decoder::heads(const Linear& linear, const Tensor& norm, const Tensor& x) const {
  return heads(norm, linear.forward(x, with_adapter_));
}

Tensor Decoder::heads(const Tensor& norm, const Tensor& projected) const {
  const Tensor by_head = projected.unflatten(-1, {-1, config_.head_dim});
  return norm.defined() ? rms_norm(by_head, norm, config_.norm_eps) : by_head;
}

Tensor Decoder::scaled(const Tensor& rows) const {
  return rows * (1.0 / std::sqrt(static_cast<double>(config_.head_dim)));
}

void Decoder::check_positions(std::int64_t tokens) const {
  TORCH_CHECK(tokens <= config_.max_positions, "a sequence of ", tokens,
              " tokens is longer than the model's ", config_.max_positions, " positions");
}

Tensor Decoder::mlp(const Layer& layer, const Tensor& x) const {
  if (!config_.gated)
    return layer.down.forward(torch::gelu(layer.up.forward(x, with_adapter_), "tanh"),
                              with_adapter_);
  const auto both = Linear::forward_all(x, {&layer.gate, &layer.up}, with_adapter_);
  return layer.down.forward(gated_silu(both[0], both[1]), with_adapter_);
}

Tensor Decoder::attend(const Layer& layer, std::size_t index, const Tensor& x,
                       const ForwardInput& input, const Tensor& cos, const Tensor& sin,
                       const Tensor& bias) const {
  const std::int64_t batch = x.size(0);
  const std::int64_t length = x.size(1);
  const Tensor q =
      turned(heads(layer.q, layer.q_norm, x).transpose(1, 2), {scaled(cos), scaled(sin), {}, {}});
  Tensor k = turned(heads(layer.k, layer.k_norm, x).transpose(1, 2), {cos, sin, {}, {}});
  Tensor v = heads(layer.v, {}, x).transpose(1, 2);
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
  Tensor scores = torch::matmul(q, k.transpose(2, 3));
  if (bias.defined()) scores = scores + bias;
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1).to(v.scalar_type()), v);
  return layer.o.forward(
      mixed.transpose(1, 2).reshape({batch, length, config_.heads * config_.head_dim}),
      with_adapter_);
}

// Queries of all rows, or of those that are asked for.
Tensor Decoder::attend_packed(const Layer& layer, const Tensor& x, const PackedPass& pass,
                              Queries queries) const {
  const bool all = queries == Queries::kAll;
  std::vector<const Linear*> of_all{&layer.k, &layer.v};
  if (all) of_all.push_back(&layer.q);
  const std::vector<Tensor> rows = Linear::forward_all(x, of_all, with_adapter_);
  const Tensor asked =
      all ? rows[2] : layer.q.forward(x.index_select(0, pass.text->asked()), with_adapter_);
  const Turns& turns = pass.query_turns;
  const Tensor q = turned(heads(layer.q_norm, asked),
                          all ? turns : turns.index_select(pass.text->asked()));  // [N, H, D]
  const Tensor k = turned(heads(layer.k_norm, rows[0]), pass.turns);
  const Tensor v = heads({}, rows[1]);
  const Tensor mixed =
      packed_attention(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), pass.text, queries);
  return layer.o.forward(mixed.transpose(0, 1).reshape({-1, config_.heads * config_.head_dim}),
                         with_adapter_);
}

Tensor Decoder::packed_layer(const Layer& layer, const Tensor& x, const PackedPass& pass,
                             Queries queries) const {
  const Tensor in = queries == Queries::kAll ? x : x.index_select(0, pass.text->asked());
  const Tensor mixed = in + attend_packed(layer, normed(x, layer.attention_norm), pass, queries);
  return mixed + mlp(layer, normed(mixed, layer.mlp_norm));
}

Tensor Decoder::packed_hidden(const ForwardInput& input) const {
  check_positions(input.packed->longest());
  const torch::Device device = embedding_.device();
  PackedPass pass;
  pass.text = PackedText::on(device, input.packed,
                             attends_by_sequences(device, compute_type_, config_.head_dim));
  const Tensor cos = cos_.index_select(0, pass.text->positions()).unsqueeze(1);
  const Tensor sin = sin_.index_select(0, pass.text->positions()).unsqueeze(1);
  pass.turns = Turns::of(cos, sin, compute_type_);
  pass.query_turns = Turns::of(scaled(cos), scaled(sin), compute_type_);
  Tensor x = torch::embedding(embedding_, input.tokens.view(-1).to(device)).to(compute_type_);
  for (const Layer& layer : layers_) {
    const bool last = &layer == &layers_.back();
    const Queries queries = last && pass.text->asked().defined() ? Queries::kAsked : Queries::kAll;
    const auto through = [this, &layer, pass, queries](const Tensor& rows) {
      return packed_layer(layer, rows, pass, queries);
    };
    x = recomputes_ && torch::GradMode::is_enabled() ? recomputed(x, generator_, through)
                                                     : through(x);
  }
  return normed(x, norm_).unsqueeze(0);
}

Tensor Decoder::hidden(const ForwardInput& input) const {
  if (input.packed) return packed_hidden(input);
  // What comes in may lie anywhere; what is computed lies where the weights do.
  const torch::Device device = embedding_.device();
  const std::int64_t length = input.tokens.size(1);
  const std::int64_t cached = input.cache == nullptr ? 0 : input.cache->length;
  Tensor cos;
  Tensor sin;
  if (input.positions.defined()) {
    const Tensor positions = input.positions.reshape(-1).to(device);
    cos = cos_.index_select(0, positions).view({input.positions.size(0), 1, length, -1});
    sin = sin_.index_select(0, positions).view({input.positions.size(0), 1, length, -1});
  } else {
    check_positions(cached + length);
    cos = cos_.narrow(0, cached, length).view({1, 1, length, -1});
    sin = sin_.narrow(0, cached, length).view({1, 1, length, -1});
  }
  // What may not be looked at gets −∞; a single new token without a mask sees everything.
  Tensor bias;
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (input.mask.defined())
    bias = torch::zeros(input.mask.sizes(), cos.options())
               .masked_fill_(input.mask.to(device).logical_not(), kNever);
  else if (length > 1)
    bias = torch::full({length, cached + length}, kNever, cos.options()).triu_(cached + 1);

  Tensor x = torch::embedding(embedding_, input.tokens.to(device)).to(compute_type_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    x = x + attend(layer, i, normed(x, layer.attention_norm), input, cos, sin, bias);
    x = x + mlp(layer, normed(x, layer.mlp_norm));
  }
  if (input.cache != nullptr) input.cache->length += length;
  return normed(x, norm_);
}

Tensor Decoder::logits(const Tensor& rows) const {
  const bool one = rows.numel() == config_.hidden && !torch::GradMode::is_enabled();
  if (one && rows.scalar_type() == torch::kBFloat16) {
    std::vector<std::int64_t> shape = rows.sizes().vec();
    shape.back() = config_.vocab;
    return wide_row_product(head(), rows.reshape(-1)).view(shape);
  }
  return affine(rows, head().to(rows.scalar_type()), {});
}

KvCache Decoder::make_cache(std::int64_t batch, std::int64_t capacity) const {
  KvCache cache;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto empty = [&] {
      return torch::zeros({batch, config_.kv_heads, capacity, config_.head_dim},
                          torch::TensorOptions(compute_type_).device(embedding_.device()));
    };
    cache.keys.push_back(empty());
    cache.values.push_back(empty());
  }
  return cache;
}

void Decoder::move_to(torch::Device device) {
  const torch::NoGradGuard no_grad;
  const auto move = [&](Tensor& tensor) {
    if (tensor.defined()) tensor.set_data(tensor.to(device));
  };
  for_each_tensor([&](const std::string&, Tensor& tensor) { move(tensor); });
  for (Linear* linear : linears()) {
    move(linear->a());
    move(linear->b());
  }
  move(cos_);
  move(sin_);
}

NamedTensors Decoder::tensors() const {
  NamedTensors out;
  const_cast<Decoder*>(this)->for_each_tensor([&](const std::string& name, Tensor& tensor) {
    if (tensor.defined()) out[name] = tensor;
  });
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
    for (Linear* linear : linears_of(layer)) out.push_back(linear);
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

void Decoder::compute_in(torch::ScalarType type) {
  compute_type_ = type;
  for_each_tensor([&](const std::string&, Tensor& tensor) {
    if (tensor.defined() && tensor.dim() > 1 && !tensor.requires_grad()) tensor = tensor.to(type);
  });
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

void Decoder::drop_out(std::optional<std::uint64_t> seed) {
  generator_ = {};
  if (seed && embedding_.is_cuda()) {
    generator_ = at::globalContext().defaultGenerator(embedding_.device());
    generator_.set_current_seed(*seed);
  } else if (seed) {
    generator_ = at::make_generator<at::CPUGeneratorImpl>(*seed);
  }
  for (Linear* linear : linears()) linear->drop_by(generator_);
}

}  // namespace strop::trainer
