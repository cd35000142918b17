// Low-rank adapters in the form that PEFT writes and reads: a folder of adapter_config.json and
// adapter_model.safetensors.
//
// Free functions; one thread a decoder. A is [r, in], B [out, r], stored as
// base_model.model.NAME.lora_A.weight and …lora_B.weight in fp32. Written adapters load in peft,
// vLLM and llama.cpp's converter, which is why neither rsLoRA, DoRA, rank patterns nor saved
// modules are used or read: they are refused by name. Errors: reading returns a message that says
// what is wrong and what to do; writing throws std::runtime_error (a full disk).
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/model/decoder.h"

namespace strop::trainer {

struct LoraConfig {
  std::int64_t rank = 16;
  double alpha = 32;  // the adapter is scaled by alpha / rank
  double dropout = 0;
  // The last part of the names of the layers that get one.
  std::vector<std::string> targets{"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                   "gate_proj", "up_proj", "down_proj"};
  bool operator==(const LoraConfig&) const = default;
};

// The last part of a layer's name, which says what it projects to: "q_proj" of all q_proj.
std::string projection_of(const std::string& name);
// The same of all layers that may get an adapter, each once.
std::vector<std::string> projection_names(Decoder& model);

// A fresh adapter, which changes nothing yet: A kaiming_uniform(√5), B zero (Hu et al. 2021). It
// alone is trainable afterwards. Throws std::invalid_argument for a target that no layer has.
void add_lora(Decoder& model, const LoraConfig& config, std::uint64_t seed);

// `base` is written as base_model_name_or_path.
void save_adapter(Decoder& model, const LoraConfig& config, const std::string& base,
                  const std::string& directory);

// Adds what DIRECTORY holds, in what the model computes in; the model is unchanged when that fails.
tl::expected<LoraConfig, std::string> load_adapter(Decoder& model, const std::string& directory);

}  // namespace strop::trainer
