#include "trainer/model/linear.h"

#include <cmath>

#include "trainer/model/affine.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// No part of what is trained.
struct Frozen {
  Tensor weight;
  Tensor bias;  // undefined: none
};

// x·Wᵀ + b + scale·(x·Aᵀ)·Bᵀ of rows x [N, in], where W and b are not trained: what the adapter
// adds is added by the product that computes it, here and in the gradient, so that no output is
// read or written for it once more.
class Adapted : public torch::autograd::Function<Adapted> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Frozen& frozen,
                        const Tensor& a, const Tensor& b, double scale) {
    Tensor y = affine(x, frozen.weight, frozen.bias);
    const Tensor low = affine(x, a, {});
    if (y.size(0) == 1)
      y.add_(affine(low, b, {}), scale);  // a product with one row is made otherwise
    else
      y.addmm_(low, b.t(), 1, scale);
    context->save_for_backward({x, frozen.weight, a, b, low});
    context->saved_data["scale"] = scale;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor& a = saved[2];
    const Tensor& b = saved[3];
    const double scale = context->saved_data["scale"].toDouble();
    const Tensor& dy = gradients[0];
    const Tensor dlow = torch::mm(dy, b);
    Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = affine(dy, weight.t(), {});
      dx.addmm_(dlow, a, 1, scale);
    }
    const Tensor da = torch::mm(dlow.t(), x).mul_(scale);
    const Tensor db = torch::mm(dy.t(), saved[4]).mul_(scale);
    return {dx, Tensor(), da, db, Tensor()};
  }
};

}  // namespace

Tensor Linear::forward(const Tensor& x, bool with_adapter) const {
  const auto type = x.scalar_type();
  const Tensor weight = weight_.to(type);
  const Tensor bias = bias_.defined() ? bias_.to(type) : bias_;
  if (!with_adapter || !a_.defined()) return affine(x, weight, bias);
  const Tensor a = a_.to(type);
  const Tensor b = b_.to(type);
  const bool trains = weight.requires_grad() || (bias.defined() && bias.requires_grad());
  // On a CPU half precision gains nothing by it.
  const bool half_on_cpu = x.is_cpu() && x.element_size() < 4;
  if (!drops() && !trains && !half_on_cpu) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(0);
    return Adapted::apply(x.reshape({-1, x.size(-1)}), Frozen{weight, bias}, a, b, scale_)
        .view(shape);
  }
  return torch::add(affine(x, weight, bias), affine(affine(drops() ? dropped(x) : x, a, {}), b, {}),
                    scale_);
}

Tensor Linear::dropped(const Tensor& x) const {
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
  const auto full = [](const torch::Tensor& t) { return t.detach().to(torch::kFloat32); };
  const torch::Tensor base = full(weight_);
  return a_.defined() ? base + torch::mm(full(b_), full(a_)) * scale_ : base;
}

}  // namespace strop::trainer
