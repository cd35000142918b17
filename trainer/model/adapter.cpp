#include "trainer/model/adapter.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "trainer/checkpoint.h"
#include "trainer/safetensors.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kPrefix = "base_model.model.";

bool is_target(const Linear& linear, const LoraConfig& config) {
  return std::find(config.targets.begin(), config.targets.end(), projection_of(linear.name())) !=
         config.targets.end();
}

std::vector<Linear*> targeted(Decoder& model, const LoraConfig& config) {
  std::vector<Linear*> out;
  for (Linear* linear : model.linears())
    if (is_target(*linear, config)) out.push_back(linear);
  return out;
}

// The first target that the model has no layer for; empty if there is none.
std::string missing_target(Decoder& model, const LoraConfig& config) {
  for (const std::string& target : config.targets) {
    const auto layers = model.linears();
    if (std::none_of(layers.begin(), layers.end(),
                     [&](Linear* linear) { return projection_of(linear->name()) == target; }))
      return target;
  }
  return "";
}

// PEFT's alpha is a whole number, and a reader that is strict about it takes no 32.0.
json alpha_to_json(double alpha) {
  const auto whole = static_cast<std::int64_t>(alpha);
  if (static_cast<double>(whole) == alpha) return whole;
  return alpha;
}

// Every field that PEFT's LoraConfig writes; the ones without a meaning here have its defaults.
json lora_to_json(const LoraConfig& config, const std::string& base) {
  std::vector<std::string> targets = config.targets;
  std::sort(targets.begin(), targets.end());
  return {{"alpha_pattern", json::object()},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", base},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layer_replication", nullptr},
          {"layers_pattern", nullptr},
          {"layers_to_transform", nullptr},
          {"loftq_config", json::object()},
          {"lora_alpha", alpha_to_json(config.alpha)},
          {"lora_dropout", config.dropout},
          {"megatron_config", nullptr},
          {"megatron_core", "megatron.core"},
          {"modules_to_save", nullptr},
          {"peft_type", "LORA"},
          {"r", config.rank},
          {"rank_pattern", json::object()},
          {"revision", nullptr},
          {"target_modules", targets},
          {"task_type", "CAUSAL_LM"},
          {"use_dora", false},
          {"use_rslora", false}};
}

bool is_set(const json& value) {
  if (value.is_null() || value == false) return false;
  return !((value.is_object() || value.is_array()) && value.empty());
}

tl::expected<LoraConfig, std::string> lora_from_json(const json& file) {
  const auto fault = [](const std::string& what) { return tl::unexpected(what); };
  if (!file.is_object()) return fault("is not a JSON object");
  if (file.value("peft_type", json()) != "LORA") return fault("peft_type must be LORA");
  for (const char* name : {"use_dora", "use_rslora", "rank_pattern", "alpha_pattern",
                           "modules_to_save", "layers_to_transform", "layer_replication",
                           "fan_in_fan_out", "lora_bias", "target_parameters"})
    if (file.contains(name) && is_set(file[name]))
      return fault(std::string(name) + " is set, which is not supported; train it without");
  if (file.contains("bias") && file["bias"] != "none") return fault("bias must be \"none\"");
  LoraConfig out;
  const json rank = file.value("r", json());
  if (!rank.is_number_integer() || rank.get<std::int64_t>() < 1)
    return fault("r must be a whole number above 0");
  const json alpha = file.value("lora_alpha", json());
  if (!alpha.is_number()) return fault("lora_alpha must be a number");
  out.rank = rank.get<std::int64_t>();
  out.alpha = alpha.get<double>();
  if (const json dropout = file.value("lora_dropout", json()); dropout.is_number())
    out.dropout = dropout.get<double>();
  const json targets = file.value("target_modules", json());
  if (!targets.is_array() || targets.empty() ||
      !std::all_of(targets.begin(), targets.end(), [](const json& t) { return t.is_string(); }))
    return fault("target_modules must be a list of layer names");
  out.targets = targets.get<std::vector<std::string>>();
  return out;
}

std::string shape_text(const torch::Tensor& tensor) {
  std::ostringstream out;
  out << tensor.sizes();
  return out.str();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

std::string projection_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::vector<std::string> projection_names(Decoder& model) {
  std::vector<std::string> out;
  for (const Linear* linear : model.linears()) {
    std::string name = projection_of(linear->name());
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  }
  return out;
}

void add_lora(Decoder& model, const LoraConfig& config, std::uint64_t seed) {
  if (const std::string missing = missing_target(model, config); !missing.empty())
    throw std::invalid_argument("the model has no layer '" + missing +
                                "' for an adapter (targets: " + joined(projection_names(model)) +
                                ")");
  torch::manual_seed(seed);
  for (auto& [name, tensor] : model.tensors()) tensor.set_requires_grad(false);
  for (Linear* linear : targeted(model, config)) {
    linear->add_adapter(config.rank, config.alpha, config.dropout);
    linear->a().set_requires_grad(true);
    linear->b().set_requires_grad(true);
  }
}

void save_adapter(Decoder& model, const LoraConfig& config, const std::string& base,
                  const std::string& directory) {
  NamedTensors tensors;
  for (Linear* linear : model.linears()) {
    if (!linear->has_adapter()) continue;
    const std::string name = kPrefix + linear->name();
    tensors[name + ".lora_A.weight"] = linear->a().detach();
    tensors[name + ".lora_B.weight"] = linear->b().detach();
  }
  std::filesystem::create_directories(directory);
  write_safetensors(directory + "/" + kWeightsFile, tensors, {{"format", "pt"}});
  write_file(directory + "/" + kConfigFile, lora_to_json(config, base).dump(2) + "\n");
}

tl::expected<LoraConfig, std::string> load_adapter(Decoder& model, const std::string& directory) {
  const auto fault = [&](const std::string& what) {
    return tl::unexpected("the adapter " + directory + " cannot be used: " + what);
  };
  std::ifstream in(directory + "/" + kConfigFile);
  if (!in)
    return fault(std::string("there is no ") + kConfigFile +
                 "; name the folder that `strop-trainer dpo` wrote");
  const auto config = lora_from_json(json::parse(in, nullptr, false));
  if (!config) return fault(std::string(kConfigFile) + ": " + config.error());
  if (const std::string missing = missing_target(model, *config); !missing.empty())
    return fault("it adapts '" + missing + "', a layer that this model has not");
  auto tensors = read_safetensors(directory + "/" + kWeightsFile);
  if (!tensors) return fault(tensors.error());

  // All is looked at before the model is touched.
  struct Sides {
    Linear* linear;
    torch::Tensor a;
    torch::Tensor b;
  };
  std::vector<Sides> found;
  for (Linear* linear : targeted(model, *config)) {
    Sides sides{linear, {}, {}};
    const auto take = [&](const char* side, const std::vector<std::int64_t>& shape,
                          torch::Tensor& into) -> std::string {
      const std::string name = kPrefix + linear->name() + side;
      const auto entry = tensors->find(name);
      if (entry == tensors->end()) return "tensor '" + name + "' is missing";
      into = entry->second.to(linear->weight().options()).contiguous();
      tensors->erase(entry);
      if (into.sizes().vec() == shape) return "";
      std::ostringstream wanted;
      wanted << torch::IntArrayRef(shape);
      return "tensor '" + name + "' has shape " + shape_text(into) + " where this base wants " +
             wanted.str() + "; it was trained on another base";
    };
    const torch::Tensor& weight = linear->weight();
    for (const std::string& wrong :
         {take(".lora_A.weight", {config->rank, weight.size(1)}, sides.a),
          take(".lora_B.weight", {weight.size(0), config->rank}, sides.b)})
      if (!wrong.empty()) return fault(wrong);
    found.push_back(std::move(sides));
  }
  if (!tensors->empty())
    return fault("tensor '" + tensors->begin()->first + "' belongs to no layer of this model");
  const double scale = config->alpha / static_cast<double>(config->rank);
  for (Sides& sides : found)
    sides.linear->set_adapter(std::move(sides.a), std::move(sides.b), scale);
  return *config;
}

}  // namespace strop::trainer
