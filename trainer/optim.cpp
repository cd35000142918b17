#include "trainer/optim.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace strop::trainer {
namespace {

constexpr std::int64_t kGroupNumbers = 1 << 24;  // what is computed at once: 64 MiB

}  // namespace

AdamW::AdamW(std::vector<torch::Tensor> parameters, const AdamWOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const torch::Tensor& parameter : parameters_) {
    m_.push_back(torch::zeros_like(parameter));
    v_.push_back(torch::zeros_like(parameter));
  }
}

std::vector<std::vector<std::size_t>> AdamW::groups() const {
  std::vector<std::vector<std::size_t>> out;
  std::int64_t numbers = kGroupNumbers;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    if (numbers >= kGroupNumbers) {
      out.emplace_back();
      numbers = 0;
    }
    out.back().push_back(i);
    numbers += parameters_[i].numel();
  }
  return out;
}

void AdamW::step(double learning_rate) {
  torch::NoGradGuard no_grad;
  ++steps_;
  const double correct1 = 1 - std::pow(options_.beta1, static_cast<double>(steps_));
  const double correct2 = std::sqrt(1 - std::pow(options_.beta2, static_cast<double>(steps_)));
  for (const std::vector<std::size_t>& group : groups()) {
    const Tensors gradients = gradients_of(group);
    Tensors parameters;
    Tensors decayed;
    Tensors m;
    Tensors v;
    for (const std::size_t i : group) {
      parameters.push_back(parameters_[i]);
      if (parameters_[i].dim() > 1) decayed.push_back(parameters_[i]);
      m.push_back(m_[i]);
      v.push_back(v_[i]);
    }
    if (options_.weight_decay > 0 && !decayed.empty())
      at::_foreach_mul_(decayed, 1 - learning_rate * options_.weight_decay);
    at::_foreach_mul_(m, options_.beta1);
    at::_foreach_add_(m, gradients, 1 - options_.beta1);
    at::_foreach_mul_(v, options_.beta2);
    at::_foreach_addcmul_(v, gradients, gradients, 1 - options_.beta2);
    Tensors denominators = at::_foreach_sqrt(v);
    at::_foreach_div_(denominators, correct2);
    at::_foreach_add_(denominators, options_.eps);
    at::_foreach_addcdiv_(parameters, m, denominators, -learning_rate / correct1);
  }
}

void AdamW::zero_grad() {
  for (torch::Tensor& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

double AdamW::clip(double limit) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> norms;
  for (const std::vector<std::size_t>& group : groups()) {
    const Tensors gradients = gradients_of(group);
    if (gradients.front().is_cuda()) {
      for (torch::Tensor& norm : at::_foreach_norm(gradients, 2)) norms.push_back(std::move(norm));
      continue;
    }
    // A CPU's norm adds one number after another in float32: of a large matrix too few arrive.
    for (const torch::Tensor& gradient : gradients)
      norms.push_back(gradient.pow(2).sum(torch::kFloat64).sqrt_());
  }
  if (norms.empty()) return 0;
  // A GPU is waited for once.
  const double norm = torch::stack(norms).to(torch::kFloat64).norm().item<double>();
  if (limit > 0 && norm > limit)
    for (const std::vector<std::size_t>& group : groups())
      at::_foreach_mul_(gradients_of(group), limit / (norm + 1e-12));
  return norm;
}

AdamW::Tensors AdamW::gradients_of(const std::vector<std::size_t>& group) const {
  Tensors out;
  for (const std::size_t i : group) out.push_back(parameters_[i].grad());
  return out;
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
