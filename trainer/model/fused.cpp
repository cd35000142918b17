#include "trainer/model/fused.h"

#include "trainer/model/gpu_kernels.h"
#include "trainer/model/torch_version.h"
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
#if STROP_HAS_GPU_KERNELS
    if (has_gpu_kernels(gate)) return gated_silu_on_gpu(gate, up);
#endif
    return torch::silu(gate).mul_(up);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& gate = saved[0];
    const Tensor& up = saved[1];
#if STROP_HAS_GPU_KERNELS
    if (has_gpu_kernels(gate)) {
      const auto [dgate, dup] = gated_silu_backward_on_gpu(gradients[0], gate, up);
      return {dgate, dup};
    }
#endif
    return {at::silu_backward(gradients[0] * up, gate), torch::silu(gate).mul_(gradients[0])};
  }
};

// `sign`: 1 forward, −1 back.
Tensor turned(const Tensor& x, const Turns& turns, double sign) {
  const Tensor other = torch::roll(x, x.size(-1) / 2, -1);
#if STROP_HAS_GPU_KERNELS
  if (turns.cos_rest.defined())
    return turned_on_gpu(x, other, turns.cos, turns.cos_rest,
                         sign < 0 ? turns.sin.neg() : turns.sin,
                         sign < 0 ? turns.sin_rest.neg() : turns.sin_rest);
#endif
  return torch::addcmul(x * turns.cos, other, turns.sin, sign).to(x.scalar_type());
}

// x' = x·cos + roll(x)·sin, and with the signs of sin, roll(dx'·sin) = −roll(dx')·sin.
class Turned : public torch::autograd::Function<Turned> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Turns& turns) {
    context->save_for_backward({turns.cos, turns.sin, turns.cos_rest, turns.sin_rest});
    return turned(x, turns, 1);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {turned(gradients[0], {saved[0], saved[1], saved[2], saved[3]}, -1), Tensor()};
  }
};

#if STROP_HAS_FUSED_RMS_NORM

// One kernel each way, which computes in full as well, with a weight that is not trained.
class RmsNormOnGpu : public torch::autograd::Function<RmsNormOnGpu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        double eps) {
    const Tensor in = x.contiguous();
    const Tensor rounded = weight.to(x.scalar_type());
    const auto [out, scale] = at::_fused_rms_norm(in, {x.size(-1)}, rounded, eps);
    context->save_for_backward({in, rounded, scale});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const auto dx = std::get<0>(at::_fused_rms_norm_backward(
        gradients[0].contiguous(), x, {x.size(-1)}, saved[2], weight, {true, false}));
    return {dx, Tensor(), Tensor()};
  }
};

#endif

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
#if STROP_HAS_FUSED_RMS_NORM
  if (x.is_cuda() && !weight.requires_grad()) return RmsNormOnGpu::apply(x, weight, eps);
#endif
  return RmsNorm::apply(x, weight, eps);
}

Tensor gated_silu(const Tensor& gate, const Tensor& up) { return GatedSilu::apply(gate, up); }

Turns Turns::of(const Tensor& cos, const Tensor& sin, torch::ScalarType type) {
#if STROP_HAS_GPU_KERNELS
  const Tensor most_cos = cos.to(type);
  if (has_gpu_kernels(most_cos)) {
    const Tensor most_sin = sin.to(type);
    return {most_cos, most_sin, (cos - most_cos).to(type), (sin - most_sin).to(type)};
  }
#else
  static_cast<void>(type);
#endif
  return {cos, sin, {}, {}};
}

Turns Turns::index_select(const Tensor& tokens) const {
  const auto some = [&](const Tensor& t) { return t.defined() ? t.index_select(0, tokens) : t; };
  return {some(cos), some(sin), some(cos_rest), some(sin_rest)};
}

Tensor turned(const Tensor& x, const Turns& turns) { return Turned::apply(x, turns); }

}  // namespace strop::trainer
