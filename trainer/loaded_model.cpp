#include "trainer/loaded_model.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

#include "trainer/device.h"
#include "trainer/model/adapter.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;
using schema::FimFamily;

bool knows(const Tokenizer& tokenizer, FimFamily family) {
  const auto pieces = schema::fim_prompt(family, "before", "behind");
  return std::all_of(pieces.begin(), pieces.end(), [&](const schema::PromptPiece& piece) {
    return !piece.special || tokenizer.special_id(piece.text).has_value();
  });
}

FimFamily family_of(const Tokenizer& tokenizer) {
  for (const FimFamily family :
       {FimFamily::kStrop, FimFamily::kQwen, FimFamily::kStarCoder2, FimFamily::kDeepSeek,
        FimFamily::kCodeLlama, FimFamily::kCodestral})
    if (knows(tokenizer, family)) return family;
  return FimFamily::kStrop;  // only plain prompts will do
}

std::string last_name(const std::string& path) {
  const fs::path clean = fs::path(path).lexically_normal();
  return (clean.has_filename() ? clean : clean.parent_path()).filename().string();
}

}  // namespace

std::string adapted_name(const std::string& base_name, const std::string& adapter) {
  return adapter.empty() ? base_name : base_name + "+" + last_name(adapter);
}

LoadedModel load_model(const std::string& directory, const std::string& adapter,
                       const torch::Device& device, Precision precision) {
  if (!fs::is_directory(directory))
    throw std::invalid_argument("there is no model folder " + directory +
                                ": --model wants one with config.json, model.safetensors and "
                                "tokenizer.json");
  auto tokenizer = Tokenizer::load(directory);
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  auto decoder = Decoder::load(directory, [&](const ModelConfig& config, torch::ScalarType widest) {
    return compute_type(precision, config, device, widest);
  });
  if (!decoder) throw std::runtime_error(decoder.error());
  if (static_cast<std::int64_t>(tokenizer->vocab_size()) > decoder->config().vocab)
    throw std::runtime_error(directory + ": tokenizer.json has " +
                             std::to_string(tokenizer->vocab_size()) + " tokens, the model " +
                             std::to_string(decoder->config().vocab) +
                             ": they do not belong together");
  if (!adapter.empty())
    if (const auto loaded = load_adapter(*decoder, adapter); !loaded)
      throw std::runtime_error(loaded.error());
  const FimFamily family = family_of(*tokenizer);
  decoder->move_to(device);
  const std::string name = last_name(directory);
  return {std::move(*decoder), std::move(*tokenizer), family, adapted_name(name, adapter), name};
}

}  // namespace strop::trainer
