#include "trainer/model/config.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <numeric>
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

// Absent and null are the same.
std::int64_t size_of(const json& in, const char* field, std::int64_t most, std::int64_t otherwise) {
  const auto found = in.find(field);
  return found == in.end() || found->is_null() ? otherwise : size_of(in, field, most);
}

struct Family {
  const char* name;          // model_type
  const char* architecture;  // as transformers calls it
  std::int64_t kv_heads;     // where the file does not say; 0: as many as heads
  std::int64_t head_dim;     // likewise; 0: hidden / heads
  std::int64_t window;       // likewise; 0: none
  bool tied_head;            // likewise
};

constexpr Family kFamilies[] = {{"llama", "LlamaForCausalLM", 0, 0, 0, false},
                                {"mistral", "MistralForCausalLM", 8, 0, 4096, false},
                                {"qwen2", "Qwen2ForCausalLM", 32, 0, 4096, false},
                                {"qwen3", "Qwen3ForCausalLM", 32, 128, 4096, false},
                                {"starcoder2", "Starcoder2ForCausalLM", 2, 0, 0, true}};

const Family* find_family(const std::string& name) {
  for (const Family& family : kFamilies)
    if (name == family.name) return &family;
  return nullptr;
}

bool flag(const json& in, const char* key, bool otherwise) {
  const auto found = in.find(key);
  return found == in.end() || found->is_null() ? otherwise : found->get<bool>();
}

void read_biases(const json& in, ModelConfig& out) {
  if (out.family == "starcoder2") {
    out.qkv_bias = out.output_bias = out.mlp_bias = flag(in, "use_bias", true);
    return;
  }
  if (out.family == "llama" || out.family == "qwen3")
    out.qkv_bias = out.output_bias = flag(in, "attention_bias", false);
  if (out.family == "llama") out.mlp_bias = flag(in, "mlp_bias", false);
}

// Within its window attention is whole; further we do not go.
void read_window(const json& in, const Family& family, ModelConfig& out) {
  const bool absent = !in.contains("sliding_window");
  if (!absent && in.at("sliding_window").is_null()) return;
  const bool qwen = out.family.starts_with("qwen");
  if (qwen ? !flag(in, "use_sliding_window", false) : absent && family.window == 0) return;
  out.max_positions =
      std::min(out.max_positions, size_of(in, "sliding_window", kMostPositions,
                                          family.window == 0 ? out.max_positions : family.window));
}

void refuse_what_differs(const json& in, const ModelConfig& out) {
  const auto refuse = [](const std::string& what) { throw std::runtime_error(what); };
  const std::string wanted = out.gated ? "silu" : "gelu_pytorch_tanh";
  if (const std::string act = in.value("hidden_act", wanted); act != wanted)
    refuse("hidden_act '" + act + "' is not supported (" + wanted + " is)");
  if (out.family == "starcoder2" && in.value("mlp_type", "default") != "default")
    refuse("mlp_type '" + in.value("mlp_type", "") + "' is not supported (default is)");
  // transformers' Mistral and Qwen2 do not know them; a checkpoint that has them is another's.
  if (out.family != "llama" && out.family != "qwen3" && flag(in, "attention_bias", false))
    refuse("attention_bias is not supported for " + out.family);
  if (out.family != "llama" && flag(in, "mlp_bias", false))
    refuse("mlp_bias is not supported for " + out.family);
  if (in.contains("quantization_config"))
    refuse("quantized weights are not supported: give the original checkpoint");
  if (out.heads % out.kv_heads != 0)
    refuse("num_attention_heads must be a multiple of num_key_value_heads");
  if (out.head_dim <= 0 || out.head_dim % 2 != 0) refuse("head_dim must be even");
}

}  // namespace

void set_family(ModelConfig& config, const std::string& family) {
  config.family = family;
  config.qkv_bias = family == "qwen2";
  config.qk_norm = family == "qwen3";
  config.layer_norm = family == "starcoder2";
  config.gated = family != "starcoder2";
}

tl::expected<ModelConfig, std::string> config_from_json(const json& in) {
  try {
    ModelConfig out;
    set_family(out, in.at("model_type").get<std::string>());
    const Family* const family = find_family(out.family);
    if (family == nullptr)
      return tl::unexpected("config.json: model_type '" + out.family +
                            "' is not supported (llama, mistral, qwen2, qwen3 and starcoder2 are)");
    out.vocab = size_of(in, "vocab_size", kMostVocab);
    out.hidden = size_of(in, "hidden_size", kMostWidth);
    out.layers = size_of(in, "num_hidden_layers", kMostLayers);
    out.heads = size_of(in, "num_attention_heads", kMostHeads);
    out.kv_heads = size_of(
        in, "num_key_value_heads", kMostHeads,
        family->kv_heads == 0 || in.contains("num_key_value_heads") ? out.heads : family->kv_heads);
    out.head_dim = size_of(in, "head_dim", kMostHeadDim,
                           family->head_dim == 0 ? out.hidden / out.heads : family->head_dim);
    out.intermediate = size_of(in, "intermediate_size", kMostWidth);
    out.max_positions = size_of(in, "max_position_embeddings", kMostPositions);
    out.norm_eps = out.layer_norm ? in.value("norm_epsilon", 1e-5) : in.value("rms_norm_eps", 1e-6);
    out.tied_head = flag(in, "tie_word_embeddings", family->tied_head);
    out.rope = rope_from_json(in, out.max_positions);
    read_biases(in, out);
    read_window(in, *family, out);
    refuse_what_differs(in, out);
    return out;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("config.json: ") + error.what());
  }
}

json config_to_json(const ModelConfig& config) {
  const Family* const family = find_family(config.family);
  json out{{"architectures", {family == nullptr ? "" : family->architecture}},
           {"model_type", config.family},
           {"vocab_size", config.vocab},
           {"hidden_size", config.hidden},
           {"num_hidden_layers", config.layers},
           {"num_attention_heads", config.heads},
           {"num_key_value_heads", config.kv_heads},
           {"head_dim", config.head_dim},
           {"intermediate_size", config.intermediate},
           {"max_position_embeddings", config.max_positions},
           {config.layer_norm ? "norm_epsilon" : "rms_norm_eps", config.norm_eps},
           {"tie_word_embeddings", config.tied_head},
           {"hidden_act", config.gated ? "silu" : "gelu_pytorch_tanh"},
           {"torch_dtype", "float32"},
           {"bos_token_id", 0},
           {"eos_token_id", 0}};
  if (config.family == "mistral") out["sliding_window"] = nullptr;
  if (config.family == "starcoder2") out["use_bias"] = config.qkv_bias;
  if (config.family == "llama" || config.family == "qwen3") out["attention_bias"] = config.qkv_bias;
  if (config.family == "llama") out["mlp_bias"] = config.mlp_bias;
  rope_to_json(config.rope, out);
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

std::vector<TensorShape> tensor_shapes(const ModelConfig& c) {
  std::vector<TensorShape> out;
  const auto linear = [&](const std::string& name, std::int64_t rows, std::int64_t columns,
                          bool bias) {
    out.push_back({name + ".weight", {rows, columns}});
    if (bias) out.push_back({name + ".bias", {rows}});
  };
  const auto norm = [&](const std::string& name) {
    out.push_back({name + ".weight", {c.hidden}});
    if (c.layer_norm) out.push_back({name + ".bias", {c.hidden}});
  };
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  out.push_back({"model.embed_tokens.weight", {c.vocab, c.hidden}});
  for (std::int64_t i = 0; i < c.layers; ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    norm(prefix + "input_layernorm");
    norm(prefix + "post_attention_layernorm");
    if (c.qk_norm)
      for (const char* name : {"q_norm", "k_norm"})
        out.push_back({prefix + "self_attn." + name + ".weight", {c.head_dim}});
    linear(prefix + "self_attn.q_proj", q, c.hidden, c.qkv_bias);
    linear(prefix + "self_attn.k_proj", kv, c.hidden, c.qkv_bias);
    linear(prefix + "self_attn.v_proj", kv, c.hidden, c.qkv_bias);
    linear(prefix + "self_attn.o_proj", c.hidden, q, c.output_bias);
    if (c.gated) linear(prefix + "mlp.gate_proj", c.intermediate, c.hidden, c.mlp_bias);
    linear(prefix + (c.gated ? "mlp.up_proj" : "mlp.c_fc"), c.intermediate, c.hidden, c.mlp_bias);
    linear(prefix + (c.gated ? "mlp.down_proj" : "mlp.c_proj"), c.hidden, c.intermediate,
           c.mlp_bias);
  }
  norm("model.norm");
  if (!c.tied_head) out.push_back({"lm_head.weight", {c.vocab, c.hidden}});
  return out;
}

std::int64_t parameter_count(const ModelConfig& config) {
  std::int64_t out = 0;
  for (const TensorShape& tensor : tensor_shapes(config))
    out += std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{1},
                           std::multiplies<>());
  return out;
}

}  // namespace strop::trainer
