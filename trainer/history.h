// What a run measures of its steps, and what it remembers of them.
//
// Values; one thread. Units: losses in nats, rewards in β·nats, lengths in tokens. A measure of
// which a step has nothing (no pair that compares, no example of that label) is not a number, null
// in JSON, and no part of a mean. Errors: from_json throws std::exception.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

namespace strop::trainer {

// Of one step. The losses are means by the pairs' weights, all others plain means; each is over the
// pairs that it is about. Of kto "chosen" is what was wanted and "rejected" what was not, each of
// other examples.
struct StepMeasures {
  double loss = 0;        // the terms below, added by the recipe's weights
  double preference = 0;  // not of sft, as all below from reward_chosen on but logp_chosen
  double likelihood = 0;
  double prompt = 0;
  double logp_chosen = 0;
  double reward_chosen = 0;
  double reward_rejected = 0;
  double accuracy = 0;  // share of pairs whose chosen is ahead in what the term compares; kto: of
                        // examples that are on their side of the reference point
  double logp_rejected = 0;
  double chosen_gain = 0;      // nats a token that the chosen has gained on the reference
  double length_ratio = 0;     // tokens of chosen to tokens of rejected
  double compared = 0;         // share of pairs with anything to compare
  double reference_point = 0;  // z of kto, nats
  double grad_norm = 0;
  double learning_rate = 0;
};

// Every measure by the name it has in metrics.jsonl and in checkpoints.
std::span<const std::pair<const char*, double StepMeasures::*>> measure_names();

nlohmann::json measures_to_json(const StepMeasures& step);
StepMeasures measures_from_json(const nlohmann::json& json);
void add(StepMeasures& sum, const StepMeasures& more);

// Of a run; saved with its checkpoints.
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

}  // namespace strop::trainer
