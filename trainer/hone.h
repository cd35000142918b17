// A run of `sft`, `dpo` or `kto` from files to files: a base and preference pairs in, an adapter
// out.
//
// Owns all it loads for the length of the call; main thread. Writes to the recipe's `out`:
// adapter_config.json and adapter_model.safetensors, as PEFT writes them (a full fine-tune writes a
// model folder instead), README.md (a model card), summary.json, metrics.jsonl, tensorboard/, and
// while it runs checkpoint/. Killed and started again it goes on, bit for bit on a CPU. Errors:
// std::invalid_argument for a recipe that does not fit its base, std::runtime_error for files,
// damaged checkpoints, and nothing to train on; all say what to do.
#pragma once

#include <nlohmann/json.hpp>

#include "trainer/recipe.h"

namespace strop::trainer {

// The summary that is also written to `out`.
nlohmann::json hone(const Recipe& recipe, int threads);

}  // namespace strop::trainer
