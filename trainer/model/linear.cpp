#include "trainer/model/linear.h"

#include <cmath>

#include "trainer/model/affine.h"

namespace strop::trainer {

torch::Tensor Linear::forward(const torch::Tensor& x, bool with_adapter) const {
  const auto type = x.scalar_type();
  torch::Tensor y = affine(x, weight_.to(type), bias_.defined() ? bias_.to(type) : bias_);
  if (!with_adapter || !a_.defined()) return y;
  const torch::Tensor low = affine(affine(dropped(x), a_.to(type), {}), b_.to(type), {});
  // In place it would be a gradient that is copied: y is a view of what was computed.
  return torch::GradMode::is_enabled() ? torch::add(y, low, scale_) : y.add_(low, scale_);
}

torch::Tensor Linear::dropped(const torch::Tensor& x) const {
  if (dropout_ == 0 || !generator_.defined()) return x;
  const double kept = 1 - dropout_;
  return x * torch::empty(x.sizes(), x.options()).bernoulli_(kept, generator_).div_(kept);
}

void Linear::add_adapter(std::int64_t rank, double alpha, double dropout) {
  // Drawn on the CPU: a seed gives the same adapter on every device.
  a_ = torch::empty({rank, weight_.size(1)}, torch::kFloat32);
  torch::nn::init::kaiming_uniform_(a_, std::sqrt(5.0));
  a_ = a_.to(weight_.device());
  b_ = torch::zeros({weight_.size(0), rank}, a_.options());
  scale_ = alpha / static_cast<double>(rank);
  dropout_ = dropout;
}

void Linear::set_adapter(torch::Tensor a, torch::Tensor b, double scale) {
  a_ = std::move(a);
  b_ = std::move(b);
  scale_ = scale;
  dropout_ = 0;
}

void Linear::remove_adapter() {
  a_ = torch::Tensor();
  b_ = torch::Tensor();
  scale_ = 0;
}

torch::Tensor Linear::merged_weight() const {
  const torch::Tensor base = weight_.detach().to(torch::kFloat32);
  return a_.defined() ? base + torch::mm(b_.detach(), a_.detach()) * scale_ : base;
}

}  // namespace strop::trainer
