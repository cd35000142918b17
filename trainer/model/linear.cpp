#include "trainer/model/linear.h"

#include <cmath>

#include "trainer/model/row_product.h"

namespace strop::trainer {

torch::Tensor Linear::forward(const torch::Tensor& x, bool with_adapter) const {
  torch::Tensor y = row_product(x, weight_, bias_);
  if (!with_adapter || !a_.defined()) return y;
  const torch::Tensor in = dropout_ > 0 && training_ ? torch::dropout(x, dropout_, true) : x;
  return y + row_product(row_product(in, a_, {}), b_, {}) * scale_;
}

void Linear::add_adapter(std::int64_t rank, double alpha, double dropout) {
  const auto options = torch::TensorOptions(torch::kFloat32).device(weight_.device());
  a_ = torch::empty({rank, weight_.size(1)}, options);
  torch::nn::init::kaiming_uniform_(a_, std::sqrt(5.0));
  b_ = torch::zeros({weight_.size(0), rank}, options);
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
