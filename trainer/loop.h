// The training loop: pairs in, better weights out.
//
// Trains what of the model requires a gradient, in place. Owns optimizer and worker threads for the
// length of the call; called from one thread. The result follows from weights, pairs and recipe
// alone: not from the number of threads, nor from whether the run was killed in between (on a GPU
// but for the last bits: sums are added there in any order). Units: losses in nats, rewards in
// β·nats, lengths in tokens. Errors: std::runtime_error for a checkpoint that is not this run's or
// is damaged, for a loss that is no longer a number, and for a full disk.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/data.h"
#include "trainer/history.h"
#include "trainer/model/decoder.h"
#include "trainer/recipe.h"
#include "trainer/reference_cache.h"
#include "trainer/step_order.h"

namespace strop::trainer {

struct LoopOptions {
  int threads = 1;
  // checkpoint/, metrics.jsonl and tensorboard/ go here; empty: none is written.
  std::string folder;
  nlohmann::json fingerprint;       // what a checkpoint must have been made from
  ReferenceCache* cache = nullptr;  // asked first, and filled; none: all pairs are scored
  // Measured as the recipe's [evaluate] says; none: nothing is.
  const std::vector<TokenPair>* heldout = nullptr;
};

struct LoopResult {
  History history;
  bool chosen_fell = false;  // at any time
  // Of the held-out pairs, after some steps; empty where none were measured.
  std::vector<std::pair<std::int64_t, StepMeasures>> heldout;
  std::int64_t best_step = 0;    // whose weights the model has; 0: it has the last step's
  bool gave_up = false;          // the recipe's patience was at its end
  double seconds = 0;            // of this process, in steps
  double reference_seconds = 0;  // before them
};

// REQUIRES: at least one pair; kto's have their mismatches (step_order.h). The reference of dpo and
// kto is the model without its adapter, or as it is given where it has none.
LoopResult train_pairs(Decoder& model, const std::vector<TokenPair>& pairs, const Recipe& recipe,
                       const LoopOptions& options);

}  // namespace strop::trainer
