#include "trainer/model/config.h"

#include <fstream>
#include <stdexcept>

namespace strop::trainer {
namespace {

using nlohmann::json;

// No model there is comes near these. What is beyond them is a slip of the pen, and would end in a
// computation that no memory holds.
constexpr std::int64_t kMostWidth = 1 << 20;
constexpr std::int64_t kMostVocab = 1 << 24;
constexpr std::int64_t kMostLayers = 1 << 12;
constexpr std::int64_t kMostHeads = 1 << 12;
constexpr std::int64_t kMostHeadDim = 1 << 12;
constexpr std::int64_t kMostPositions = 1 << 23;

std::int64_t size_of(const json& in, const char* field, std::int64_t most) {
  const json& value = in.at(field);
  const auto refuse = [&] {
    throw std::runtime_error(std::string(field) + " must be a whole number from 1 to " +
                             std::to_string(most));
  };
  if (!value.is_number_integer()) refuse();
  const auto size = value.get<std::int64_t>();
  if (size < 1 || size > most) refuse();
  return size;
}

// Absent and null are the same, as transformers has it.
std::int64_t size_of(const json& in, const char* field, std::int64_t most, std::int64_t otherwise) {
  const auto found = in.find(field);
  return found == in.end() || found->is_null() ? otherwise : size_of(in, field, most);
}

void read_rope(const json& in, ModelConfig& out) {
  // Newer files have rope_parameters, older ones rope_theta and rope_scaling beside each other.
  const json parameters = in.value("rope_parameters", json());
  const json scaling = parameters.is_object() ? parameters : in.value("rope_scaling", json());
  out.rope_theta = in.value("rope_theta", 10'000.0);
  if (!scaling.is_object()) return;
  out.rope_theta = scaling.value("rope_theta", out.rope_theta);
  const std::string type = scaling.value("rope_type", scaling.value("type", "default"));
  if (type == "linear")
    out.rope_scale = scaling.at("factor").get<double>();
  else if (type != "default")
    throw std::runtime_error("rope scaling '" + type + "' is not supported (linear is)");
}

void refuse_what_differs(const json& in, const ModelConfig& out) {
  const auto refuse = [](const std::string& what) { throw std::runtime_error(what); };
  if (const std::string act = in.value("hidden_act", "silu"); act != "silu")
    refuse("hidden_act '" + act + "' is not supported (silu is)");
  if (out.family == "llama" && in.value("attention_bias", false))
    refuse("attention_bias is not supported for llama");
  if (in.value("mlp_bias", false)) refuse("mlp_bias is not supported");
  if (out.family == "qwen2" && in.value("use_sliding_window", false))
    refuse("use_sliding_window is not supported");
  if (in.contains("quantization_config"))
    refuse("quantized weights are not supported: give the original checkpoint");
  if (out.heads % out.kv_heads != 0)
    refuse("num_attention_heads must be a multiple of num_key_value_heads");
  if (!(out.rope_scale > 0) || !(out.rope_theta > 0))
    refuse("rope_theta and the rope scaling's factor must be positive");
  if (out.head_dim <= 0 || out.head_dim % 2 != 0) refuse("head_dim must be even");
}

}  // namespace

tl::expected<ModelConfig, std::string> config_from_json(const json& in) {
  try {
    ModelConfig out;
    out.family = in.at("model_type").get<std::string>();
    if (out.family != "llama" && out.family != "qwen2")
      return tl::unexpected("config.json: model_type '" + out.family +
                            "' is not supported (llama and qwen2 are)");
    out.vocab = size_of(in, "vocab_size", kMostVocab);
    out.hidden = size_of(in, "hidden_size", kMostWidth);
    out.layers = size_of(in, "num_hidden_layers", kMostLayers);
    out.heads = size_of(in, "num_attention_heads", kMostHeads);
    out.kv_heads = size_of(in, "num_key_value_heads", kMostHeads, out.heads);
    out.head_dim = size_of(in, "head_dim", kMostHeadDim, out.hidden / out.heads);
    out.intermediate = size_of(in, "intermediate_size", kMostWidth);
    out.max_positions = size_of(in, "max_position_embeddings", kMostPositions);
    out.norm_eps = in.value("rms_norm_eps", 1e-6);
    out.tied_head = in.value("tie_word_embeddings", false);
    out.qkv_bias = out.family == "qwen2";
    read_rope(in, out);
    refuse_what_differs(in, out);
    return out;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("config.json: ") + error.what());
  }
}

json config_to_json(const ModelConfig& config) {
  json out{{"architectures", {config.family == "qwen2" ? "Qwen2ForCausalLM" : "LlamaForCausalLM"}},
           {"model_type", config.family},
           {"vocab_size", config.vocab},
           {"hidden_size", config.hidden},
           {"num_hidden_layers", config.layers},
           {"num_attention_heads", config.heads},
           {"num_key_value_heads", config.kv_heads},
           {"head_dim", config.head_dim},
           {"intermediate_size", config.intermediate},
           {"max_position_embeddings", config.max_positions},
           {"rms_norm_eps", config.norm_eps},
           {"rope_theta", config.rope_theta},
           {"tie_word_embeddings", config.tied_head},
           {"hidden_act", "silu"},
           {"torch_dtype", "float32"},
           {"bos_token_id", 0},
           {"eos_token_id", 0}};
  if (config.rope_scale != 1)
    out["rope_scaling"] = {{"type", "linear"}, {"factor", config.rope_scale}};
  return out;
}

tl::expected<ModelConfig, std::string> load_config(const std::string& directory) {
  const std::string path = directory + "/config.json";
  std::ifstream in(path);
  if (!in)
    return tl::unexpected(
        "cannot read " + path +
        ": is this a model folder (config.json, model.safetensors, tokenizer.json)?");
  const json parsed = json::parse(in, nullptr, false);
  if (parsed.is_discarded()) return tl::unexpected(path + " is not JSON");
  return config_from_json(parsed).map_error(
      [&](const std::string& error) { return directory + "/" + error; });
}

std::int64_t parameter_count(const ModelConfig& c) {
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  const std::int64_t attention = c.hidden * (2 * q + 2 * kv) + (c.qkv_bias ? q + 2 * kv : 0);
  const std::int64_t layer = attention + 3 * c.hidden * c.intermediate + 2 * c.hidden;
  return c.vocab * c.hidden * (c.tied_head ? 1 : 2) + c.layers * layer + c.hidden;
}

}  // namespace strop::trainer
