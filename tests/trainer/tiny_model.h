// Small random decoders for tests: every shape that differs in code is one of them.
#pragma once

#include "trainer/model/decoder.h"
#include "trainer/torch.h"

namespace strop::trainer {

inline ModelConfig tiny_config(const std::string& family = "llama") {
  ModelConfig out;
  set_family(out, family);
  out.vocab = 50;
  out.hidden = 24;
  out.layers = 2;
  out.heads = 4;
  out.kv_heads = 2;
  out.head_dim = 6;
  out.intermediate = 40;
  out.max_positions = 64;
  out.tied_head = true;
  if (family == "starcoder2") out.qkv_bias = out.output_bias = out.mlp_bias = true;
  return out;
}

// Weights large enough that attention and norms matter.
inline Decoder tiny_decoder(const ModelConfig& config, std::uint64_t seed = 3) {
  Decoder out = Decoder::random(config, seed);
  torch::NoGradGuard no_grad;
  torch::manual_seed(seed);
  for (auto& [name, tensor] : out.tensors()) {
    if (tensor.dim() > 1)
      tensor.mul_(8);
    else
      tensor.add_(torch::randn_like(tensor) * 0.2);
  }
  return out;
}

inline torch::Tensor some_tokens(std::int64_t batch, std::int64_t length, std::int64_t vocab,
                                 std::uint64_t seed = 5) {
  torch::manual_seed(seed);
  return torch::randint(0, vocab, {batch, length}, torch::kInt64);
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Gives every linear layer an adapter that changes its result.
inline void add_random_adapter(Decoder& model, std::int64_t rank, bool zero_b) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(11);
  for (Linear* linear : model.linears()) {
    linear->add_adapter(rank, 2.0 * static_cast<double>(rank), 0);
    if (!zero_b) linear->b().normal_(0, 0.1);
  }
}

// A CPU, and a GPU where there is one.
inline std::vector<torch::Device> devices_here() {
  std::vector<torch::Device> out{torch::kCPU};
  if (torch::cuda::is_available()) out.emplace_back(torch::kCUDA, 0);
  return out;
}

}  // namespace strop::trainer
