// The shape of a decoder, as config.json gives it.
//
// Values; pure functions; any thread. Errors: a message that names the field and what is supported.
// Llama and Qwen2 shapes are read; anything else is refused, since a model computed wrongly is
// worse than none.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

namespace strop::trainer {

struct ModelConfig {
  std::string family = "llama";  // config.json's model_type: "llama" or "qwen2"
  std::int64_t vocab = 0;
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t intermediate = 0;
  std::int64_t max_positions = 0;
  double rope_theta = 10'000;
  double rope_scale = 1;  // linear scaling: positions are divided by it
  double norm_eps = 1e-6;
  bool tied_head = false;
  bool qkv_bias = false;

  bool operator==(const ModelConfig&) const = default;
};

tl::expected<ModelConfig, std::string> config_from_json(const nlohmann::json& json);

// A config.json that transformers reads as the same model.
nlohmann::json config_to_json(const ModelConfig& config);

// Reads DIR/config.json.
tl::expected<ModelConfig, std::string> load_config(const std::string& directory);

// Parameters of the model, the tied head counted once.
std::int64_t parameter_count(const ModelConfig& config);

}  // namespace strop::trainer
