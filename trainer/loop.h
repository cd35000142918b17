// The training loop: pairs in, better weights out.
//
// Trains what of the model requires a gradient, in place. Owns optimizer and worker threads for the
// length of the call; called from one thread. The result follows from weights, pairs and recipe
// alone: not from the number of threads, nor from whether the run was killed in between. Units:
// losses in nats, rewards in β·nats, lengths in tokens. Errors: std::runtime_error for a checkpoint
// that is not this run's or is damaged, for a loss that is no longer a number, and for a full disk.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/data.h"
#include "trainer/model/decoder.h"
#include "trainer/recipe.h"
#include "trainer/reference_cache.h"

namespace strop::trainer {

// Of one step, means over its pairs by their weights. Rewards and log-probs are plain means over
// pairs.
struct StepMeasures {
  double loss = 0;        // the terms below, added by the recipe's weights
  double preference = 0;  // dpo alone, as all below from reward_chosen on but logp_chosen
  double likelihood = 0;
  double prompt = 0;
  double logp_chosen = 0;
  double reward_chosen = 0;
  double reward_rejected = 0;
  double accuracy = 0;  // share of pairs whose chosen reward is the higher
  double logp_rejected = 0;
  double chosen_gain = 0;   // nats a token that the chosen has gained on the reference
  double length_ratio = 0;  // tokens of chosen to tokens of rejected
  double grad_norm = 0;
  double learning_rate = 0;
};

// What the run remembers of its steps; saved with its checkpoints.
class History {
 public:
  void add(const StepMeasures& step);

  std::int64_t steps() const { return steps_; }
  const StepMeasures& first() const { return first_; }
  // REQUIRES: a step.
  const StepMeasures& last() const { return recent_.back(); }
  // Means over the last steps, at most kRecent of them.
  StepMeasures recent() const;
  // Whether the chosen completions have become less likely than the reference has them: then
  // preference is being learnt at the cost of the language, and the text gets worse.
  bool chosen_falls() const;

  nlohmann::json to_json() const;
  // Throws std::exception for what to_json does not write after a step.
  static History from_json(const nlohmann::json& json);

  static constexpr std::size_t kRecent = 20;

 private:
  std::int64_t steps_ = 0;
  StepMeasures first_;
  std::vector<StepMeasures> recent_;
};

struct LoopOptions {
  int threads = 1;
  // checkpoint/, metrics.jsonl and tensorboard/ go here; empty: none is written.
  std::string folder;
  nlohmann::json fingerprint;       // what a checkpoint must have been made from
  ReferenceCache* cache = nullptr;  // asked first, and filled; none: all pairs are scored
};

struct LoopResult {
  History history;
  bool chosen_fell = false;  // at any time
  double seconds = 0;        // of this process
};

// REQUIRES: at least one pair; with Method::kDpo and an adapter, the reference is the model without
// it, else the model as it is given.
LoopResult train_pairs(Decoder& model, const std::vector<TokenPair>& pairs, const Recipe& recipe,
                       const LoopOptions& options);

// Steps of a run.
std::int64_t step_count(std::size_t pairs, const TrainRecipe& recipe);

}  // namespace strop::trainer
