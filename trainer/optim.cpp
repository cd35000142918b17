#include "trainer/optim.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace strop::trainer {

AdamW::AdamW(std::vector<torch::Tensor> parameters, const AdamWOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const torch::Tensor& parameter : parameters_) {
    m_.push_back(torch::zeros_like(parameter));
    v_.push_back(torch::zeros_like(parameter));
  }
}

void AdamW::step(double learning_rate) {
  torch::NoGradGuard no_grad;
  ++steps_;
  const double correct1 = 1 - std::pow(options_.beta1, static_cast<double>(steps_));
  const double correct2 = std::sqrt(1 - std::pow(options_.beta2, static_cast<double>(steps_)));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    torch::Tensor& parameter = parameters_[i];
    const torch::Tensor& grad = parameter.grad();
    if (!grad.defined()) continue;
    if (options_.weight_decay > 0 && parameter.dim() > 1)
      parameter.mul_(1 - learning_rate * options_.weight_decay);
    m_[i].lerp_(grad, 1 - options_.beta1);
    v_[i].mul_(options_.beta2).addcmul_(grad, grad, 1 - options_.beta2);
    const torch::Tensor denominator = v_[i].sqrt().div_(correct2).add_(options_.eps);
    parameter.addcdiv_(m_[i], denominator, -learning_rate / correct1);
  }
}

void AdamW::zero_grad() {
  for (torch::Tensor& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

double AdamW::clip(double limit) {
  torch::NoGradGuard no_grad;
  torch::Tensor sum;  // on the parameters' device, which is waited for once
  for (const torch::Tensor& parameter : parameters_) {
    if (!parameter.grad().defined()) continue;
    const torch::Tensor one = parameter.grad().pow(2).sum(torch::kFloat64);
    sum = sum.defined() ? sum + one : one;
  }
  const double norm = sum.defined() ? std::sqrt(sum.item<double>()) : 0;
  if (limit > 0 && norm > limit)
    for (torch::Tensor& parameter : parameters_)
      if (parameter.grad().defined()) parameter.mutable_grad().mul_(limit / (norm + 1e-12));
  return norm;
}

NamedTensors AdamW::state() const {
  NamedTensors out;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    out["m." + std::to_string(i)] = m_[i];
    out["v." + std::to_string(i)] = v_[i];
  }
  out["step"] = torch::tensor({steps_}, torch::kInt64);
  return out;
}

void AdamW::restore(const NamedTensors& state) {
  const auto take = [&](const std::string& name, torch::Tensor& into) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != into.sizes())
      throw std::runtime_error("optimizer.safetensors: '" + name +
                               "' does not fit this model and recipe");
    into.copy_(found->second);
  };
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    take("m." + std::to_string(i), m_[i]);
    take("v." + std::to_string(i), v_[i]);
  }
  torch::Tensor step = torch::zeros({1}, torch::kInt64);
  take("step", step);
  if (step.item<std::int64_t>() < 0)
    throw std::runtime_error("optimizer.safetensors: 'step' is below 0");
  steps_ = step.item<std::int64_t>();
}

std::optional<Schedule> schedule_by_name(const std::string& name) {
  if (name == "constant") return Schedule::kConstant;
  if (name == "linear") return Schedule::kLinear;
  if (name == "cosine") return Schedule::kCosine;
  return std::nullopt;
}

double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t warmup,
                       std::int64_t total, double floor) {
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (schedule == Schedule::kConstant || total <= warmup) return 1;
  const double done =
      std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(total - warmup));
  const double left =
      schedule == Schedule::kLinear ? 1 - done : 0.5 * (1 + std::cos(std::numbers::pi * done));
  return floor + (1 - floor) * left;
}

}  // namespace strop::trainer
