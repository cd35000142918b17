#include "trainer/model/linear.h"

#include <torch/nn/init.h>

#include <cmath>

#include "trainer/model/affine.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// No part of what is trained.
struct Frozen {
  std::vector<Tensor> weights;
  std::vector<Tensor> biases;  // undefined: none
  std::vector<double> scales;
};

// Adds y·W to `sum`, or starts it.
void add_product(Tensor& sum, const Tensor& y, const Tensor& w) {
  if (!sum.defined())
    sum = affine(y, w.t(), {});
  else if (is_affine_faster(y.size(0), w.t()))
    sum.add_(affine(y, w.t(), {}));
  else
    sum.addmm_(y, w);
}

// Of each layer x·Wᵀ + b + scale·(x·Aᵀ)·Bᵀ of the same rows x [N, in], where W and b are not
// trained. What an adapter adds is added by the product that computes it, here and in the gradient,
// and the layers' A are one matrix: no input and no output is read or written for them once more.
class Adapted : public torch::autograd::Function<Adapted> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& x, const Frozen& frozen,
                               at::TensorList as, at::TensorList bs) {
    const Tensor a = as.size() == 1 ? as.front() : torch::cat(as);
    const Tensor low = affine(x, a, {});
    variable_list out;
    std::int64_t column = 0;
    for (std::size_t i = 0; i < bs.size(); ++i) {
      const Tensor own = low.narrow(1, column, bs[i].size(1));
      Tensor y = affine(x, frozen.weights[i], frozen.biases[i]);
      y.addmm_(own, bs[i].t(), 1, frozen.scales[i]);
      out.push_back(y);
      column += bs[i].size(1);
    }
    variable_list kept{x, low, a};
    kept.insert(kept.end(), frozen.weights.begin(), frozen.weights.end());
    kept.insert(kept.end(), bs.begin(), bs.end());
    context->save_for_backward(kept);
    context->saved_data["scales"] = frozen.scales;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const std::vector<double> scales = context->saved_data["scales"].toDoubleVector();
    const std::size_t count = scales.size();
    const Tensor& x = saved[0];
    const Tensor& low = saved[1];
    const Tensor& a = saved[2];
    const Tensor dlow = torch::empty_like(low);
    variable_list out(2 + 2 * count);  // x, what is frozen, each A, each B
    Tensor& dx = out[0];
    std::int64_t column = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Tensor& dy = gradients[i];
      const Tensor& b = saved[3 + count + i];
      const std::int64_t rank = b.size(1);
      Tensor own = dlow.narrow(1, column, rank);
      at::addmm_out(own, own, dy, b, 0, scales[i]);
      out[2 + count + i] = torch::mm(dy.t(), low.narrow(1, column, rank)).mul_(scales[i]);
      if (context->needs_input_grad(0)) add_product(dx, dy, saved[3 + i]);
      column += rank;
    }
    if (dx.defined()) dx.addmm_(dlow, a);
    const Tensor da = torch::mm(dlow.t(), x);
    column = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t rank = saved[3 + count + i].size(1);
      out[2 + i] = da.narrow(0, column, rank);
      column += rank;
    }
    return out;
  }
};

}  // namespace

Tensor Linear::forward(const Tensor& x, bool with_adapter) const {
  const auto type = x.scalar_type();
  if (with_adapter && adapter_alone_trains(x)) return forward_all(x, {this}, true).front();
  Tensor y = affine(x, weight_.to(type), bias_.defined() ? bias_.to(type) : bias_);
  if (!with_adapter || !a_.defined()) return y;
  return torch::add(y, affine(affine(drops() ? dropped(x) : x, a_.to(type), {}), b_.to(type), {}),
                    scale_);
}

bool Linear::adapter_alone_trains(const Tensor& x) const {
  // Neither a token that is served gains by Adapted, nor half precision on a CPU.
  const bool one_row = x.numel() == x.size(-1);
  const bool half_on_cpu = x.is_cpu() && x.element_size() < 4;
  return a_.defined() && !drops() && !one_row && !half_on_cpu && !weight_.requires_grad() &&
         !(bias_.defined() && bias_.requires_grad());
}

std::vector<Tensor> Linear::forward_all(const Tensor& x, const std::vector<const Linear*>& layers,
                                        bool with_adapter) {
  const auto type = x.scalar_type();
  Frozen frozen;
  std::vector<Tensor> as;
  std::vector<Tensor> bs;
  for (const Linear* layer : layers) {
    if (!with_adapter || !layer->adapter_alone_trains(x)) break;
    frozen.weights.push_back(layer->weight_.to(type));
    frozen.biases.push_back(layer->bias_.defined() ? layer->bias_.to(type) : layer->bias_);
    frozen.scales.push_back(layer->scale_);
    as.push_back(layer->a_.to(type));
    bs.push_back(layer->b_.to(type));
  }
  std::vector<Tensor> out;
  if (bs.size() != layers.size()) {
    for (const Linear* layer : layers) out.push_back(layer->forward(x, with_adapter));
    return out;
  }
  for (const Tensor& y : Adapted::apply(x.reshape({-1, x.size(-1)}), frozen, at::TensorList(as),
                                        at::TensorList(bs))) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = y.size(-1);
    out.push_back(y.view(shape));
  }
  return out;
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
