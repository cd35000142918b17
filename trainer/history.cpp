#include "trainer/history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace strop::trainer {
namespace {

constexpr double kFallAlarm = -0.05;  // nats a token, mean of the recent steps

constexpr std::pair<const char*, double StepMeasures::*> kMeasures[] = {
    {"loss", &StepMeasures::loss},
    {"loss/preference", &StepMeasures::preference},
    {"loss/likelihood", &StepMeasures::likelihood},
    {"loss/prompt", &StepMeasures::prompt},
    {"logps/chosen", &StepMeasures::logp_chosen},
    {"logps/rejected", &StepMeasures::logp_rejected},
    {"rewards/chosen", &StepMeasures::reward_chosen},
    {"rewards/rejected", &StepMeasures::reward_rejected},
    {"rewards/accuracies", &StepMeasures::accuracy},
    {"chosen_gain", &StepMeasures::chosen_gain},
    {"length_ratio", &StepMeasures::length_ratio},
    {"compared", &StepMeasures::compared},
    {"kl", &StepMeasures::reference_point},
    {"grad_norm", &StepMeasures::grad_norm},
    {"lr", &StepMeasures::learning_rate}};

}  // namespace

std::span<const std::pair<const char*, double StepMeasures::*>> measure_names() {
  return kMeasures;
}

nlohmann::json measures_to_json(const StepMeasures& step) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, field] : kMeasures)
    out[name] = std::isnan(step.*field) ? nlohmann::json(nullptr) : nlohmann::json(step.*field);
  return out;
}

StepMeasures measures_from_json(const nlohmann::json& json) {
  StepMeasures out;
  for (const auto& [name, field] : kMeasures) {
    const nlohmann::json& value = json.at(name);
    out.*field = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
  }
  return out;
}

void add(StepMeasures& sum, const StepMeasures& more) {
  for (const auto& [name, field] : kMeasures) sum.*field += more.*field;
}

void History::add(const StepMeasures& step) {
  if (steps_ == 0) first_ = step;
  ++steps_;
  if (recent_.size() == kRecent) recent_.erase(recent_.begin());
  recent_.push_back(step);
}

StepMeasures History::recent() const {
  StepMeasures out;
  for (const auto& [name, field] : kMeasures) {
    double measured = 0;
    for (const StepMeasures& step : recent_) {
      if (std::isnan(step.*field)) continue;
      out.*field += step.*field;
      ++measured;
    }
    if (!recent_.empty()) out.*field /= measured;
  }
  return out;
}

bool History::chosen_falls() const {
  return recent_.size() == kRecent && recent().chosen_gain < kFallAlarm;
}

nlohmann::json History::to_json() const {
  nlohmann::json recent = nlohmann::json::array();
  for (const StepMeasures& step : recent_) recent.push_back(measures_to_json(step));
  return {{"steps", steps_}, {"first", measures_to_json(first_)}, {"recent", std::move(recent)}};
}

History History::from_json(const nlohmann::json& json) {
  History out;
  out.steps_ = json.at("steps").get<std::int64_t>();
  out.first_ = measures_from_json(json.at("first"));
  for (const nlohmann::json& step : json.at("recent"))
    out.recent_.push_back(measures_from_json(step));
  // A checkpoint is never made before a step, and the last ones are remembered.
  if (out.steps_ < 1 ||
      out.recent_.size() != std::min(static_cast<std::size_t>(out.steps_), kRecent))
    throw std::runtime_error("state.json: " + std::to_string(out.steps_) + " steps, of which " +
                             std::to_string(out.recent_.size()) + " are remembered");
  return out;
}

}  // namespace strop::trainer
