// The shape of a decoder, as config.json gives it.
//
// Values; pure functions; any thread. Errors: a message that names the field and what is supported.
// Llama, Mistral, Qwen2, Qwen3 and StarCoder2 are read; anything else is refused, since a model
// computed wrongly is worse than none.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/model/rope.h"

namespace strop::trainer {

struct ModelConfig {
  std::string family = "llama";  // config.json's model_type
  std::int64_t vocab = 0;
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t intermediate = 0;
  std::int64_t max_positions = 0;  // not beyond a sliding window: within it, it changes nothing
  Rope rope;
  double norm_eps = 1e-6;
  bool tied_head = false;
  bool qkv_bias = false;
  bool output_bias = false;  // of the attention's output
  bool mlp_bias = false;
  bool qk_norm = false;     // queries and keys of each head are normed
  bool layer_norm = false;  // LayerNorm with its bias; else RMSNorm
  bool gated = true;        // SwiGLU; else up, GELU (tanh), down

  bool operator==(const ModelConfig&) const = default;
};

// What follows from the family alone.
void set_family(ModelConfig& config, const std::string& family);

tl::expected<ModelConfig, std::string> config_from_json(const nlohmann::json& json);

// A config.json that transformers reads as the same model.
nlohmann::json config_to_json(const ModelConfig& config);

// Reads DIR/config.json.
tl::expected<ModelConfig, std::string> load_config(const std::string& directory);

// A tensor of the checkpoint.
struct TensorShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

// All of them; a tied head is not among them.
std::vector<TensorShape> tensor_shapes(const ModelConfig& config);

// Parameters of the model, the tied head counted once.
std::int64_t parameter_count(const ModelConfig& config);

}  // namespace strop::trainer
