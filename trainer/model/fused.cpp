#include "trainer/model/fused.h"

#include "trainer/model/wide.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class RmsNorm : public torch::autograd::Function<RmsNorm> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        double eps) {
    const Tensor in = wide(x);
    const Tensor squares = torch::linalg_vector_norm(in, 2, at::IntArrayRef{-1}, true).square_();
    const Tensor scale = torch::rsqrt(squares.div_(static_cast<double>(x.size(-1))).add_(eps));
    context->save_for_backward({x, weight, scale});
    return (in * scale).mul_(weight).to(x.scalar_type());
  }

  // With n = x·scale and g = dy·w: dx = scale · (g − n · mean(g·n)).
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor& scale = saved[2];
    const Tensor gradient = wide(gradients[0]);
    const Tensor normed = wide(x) * scale;
    const Tensor along = gradient * weight;
    const Tensor mean = (along * normed).mean(-1, true);
    const Tensor dx = torch::addcmul(along, normed, mean, -1).mul_(scale);
    Tensor dweight;
    if (context->needs_input_grad(1))
      dweight = (gradient * normed).reshape({-1, x.size(-1)}).sum(0).to(weight.scalar_type());
    return {dx.to(x.scalar_type()), dweight, Tensor()};
  }
};

class GatedSilu : public torch::autograd::Function<GatedSilu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up) {
    context->save_for_backward({gate, up});
    return torch::silu(gate).mul_(up);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& gate = saved[0];
    const Tensor& up = saved[1];
    return {at::silu_backward(gradients[0] * up, gate), torch::silu(gate).mul_(gradients[0])};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return RmsNorm::apply(x, weight, eps);
}

Tensor gated_silu(const Tensor& gate, const Tensor& up) { return GatedSilu::apply(gate, up); }

}  // namespace strop::trainer
