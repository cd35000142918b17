#include "trainer/best_weights.h"

#include <cmath>
#include <stdexcept>

namespace strop::trainer {
namespace {

const std::string kPrefix = "best.";  // in a checkpoint

}  // namespace

double measure_to_lower(const StepMeasures& measures, const std::string& name) {
  if (name == "rewards/accuracies") return -measures.accuracy;
  if (name == "rewards/margins") return measures.reward_rejected - measures.reward_chosen;
  for (const auto& [known, field] : measure_names())
    if (name == known) return measures.*field;
  return std::nan("");
}

bool BestWeights::offer(std::int64_t step, const StepMeasures& measures,
                        const std::vector<NamedParameter>& parameters) {
  if (recipe_.best.empty()) return false;
  const double value = measure_to_lower(measures, recipe_.best);
  if (std::isnan(value) || (step_ > 0 && value >= least_)) {
    ++since_;
    return false;
  }
  since_ = 0;
  step_ = step;
  least_ = value;
  for (const NamedParameter& parameter : parameters)
    weights_[parameter.name] = parameter.tensor.detach().clone();
  return true;
}

void BestWeights::put_back(const std::vector<NamedParameter>& parameters) const {
  if (step_ == 0) return;
  const torch::NoGradGuard no_grad;
  for (const NamedParameter& parameter : parameters) {
    torch::Tensor into = parameter.tensor;
    into.copy_(weights_.at(parameter.name));
  }
}

nlohmann::json BestWeights::state() const {
  return {{"step", step_}, {"since", since_}, {"least", least_}};
}

void BestWeights::add_to(NamedTensors& tensors) const {
  for (const auto& [name, tensor] : weights_) tensors[kPrefix + name] = tensor;
}

void BestWeights::restore(const nlohmann::json& state, const NamedTensors& tensors,
                          const std::vector<NamedParameter>& parameters) {
  step_ = state.at("step").get<std::int64_t>();
  since_ = state.at("since").get<std::int64_t>();
  least_ = state.at("least").get<double>();
  if (step_ == 0) return;
  for (const NamedParameter& parameter : parameters) {
    const auto found = tensors.find(kPrefix + parameter.name);
    if (found == tensors.end() || found->second.sizes() != parameter.tensor.sizes())
      throw std::runtime_error("the best weights lack '" + parameter.name + "'");
    weights_[parameter.name] = found->second.clone();
  }
}

}  // namespace strop::trainer
