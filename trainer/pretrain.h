// Makes a model from nothing but source files: causal language modelling with a share of
// fill-in-the-middle.
//
// Owns model, optimizer and threads for the length of the run.
// Killed and started again with the same recipe it goes on from its last checkpoint, bit for bit on
// a CPU. Errors: std::invalid_argument for a recipe, std::runtime_error for files and disks, both
// with what to do. Source of the fill-in-the-middle transform: Bavarian et al. 2022, PSM order,
// split at random characters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trainer/corpus.h"
#include "trainer/model/config.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct PretrainRecipe {
  ModelConfig model;
  std::string tokenizer;  // tokenizer.json
  CorpusRecipe corpus;
  std::int64_t tokens = 10'000'000;  // in all
  std::int64_t context = 256;
  std::int64_t batch = 16;  // windows a step
  std::int64_t shard = 4;   // windows a thread takes at once; part of the result's last bits
  double learning_rate = 2e-3;
  double weight_decay = 0.1;
  double clip = 1.0;
  double warmup = 0.02;      // share of the steps
  double fim_rate = 0.3;     // share of chunks
  std::int64_t chunk = 700;  // characters a fill-in-the-middle chunk
  std::uint64_t seed = 1;
  std::int64_t checkpoint_every = 500;  // steps
  std::string dtype = "float32";        // of the weights written: float32 or bfloat16
  std::string device;                   // of device.h; no part of what is computed
};

// Throws std::invalid_argument.
PretrainRecipe read_pretrain_recipe(const std::string& file);

// Computes on `threads` threads; their number does not change the result. Writes a model folder to
// `out` (config.json, model.safetensors, tokenizer.json, summary.json, heldout.txt), and while it
// runs `out`/checkpoint and `out`/metrics.jsonl.
void pretrain(const PretrainRecipe& recipe, const std::string& out, int threads);

// One epoch's tokens: each file begins with <|endoftext|>; a share of chunks is turned to
// fill-in-the-middle. Deterministic in (seed, epoch).
std::vector<TokenId> epoch_tokens(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                  double fim_rate, std::int64_t chunk, std::uint64_t seed,
                                  std::int64_t epoch);

}  // namespace strop::trainer
