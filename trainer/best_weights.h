// The best that a run has been, by a measure of the held-out pairs, and when to give up hoping for
// better.
//
// Owns a copy of the weights that it keeps; one thread. The parameters must outlive it. Its state
// goes with the run's checkpoints, so that a run that is killed keeps and stops as one that is not.
// Errors: restore throws std::exception for what state and tensors do not hold.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/history.h"
#include "trainer/recipe.h"
#include "trainer/safetensors.h"
#include "trainer/torch.h"

namespace strop::trainer {

struct NamedParameter {
  std::string name;
  torch::Tensor tensor;
};

// What of the measures [evaluate] best names; the lower is the better.
double measure_to_lower(const StepMeasures& measures, const std::string& name);

class BestWeights {
 public:
  explicit BestWeights(const EvaluateRecipe& recipe) : recipe_(recipe) {}

  // After a measurement: keeps the weights if nothing was as good before. Whether it was.
  bool offer(std::int64_t step, const StepMeasures& measures,
             const std::vector<NamedParameter>& parameters);
  // Whether the recipe's patience is at its end.
  bool gives_up() const { return recipe_.patience > 0 && since_ >= recipe_.patience; }
  // The step whose weights are kept; 0: none.
  std::int64_t step() const { return step_; }
  // Puts them back, if any are kept.
  void put_back(const std::vector<NamedParameter>& parameters) const;

  nlohmann::json state() const;
  void add_to(NamedTensors& tensors) const;
  void restore(const nlohmann::json& state, const NamedTensors& tensors,
               const std::vector<NamedParameter>& parameters);

 private:
  const EvaluateRecipe& recipe_;
  std::int64_t step_ = 0;
  std::int64_t since_ = 0;  // measurements that were no better
  double least_ = 0;
  NamedTensors weights_;
};

}  // namespace strop::trainer
