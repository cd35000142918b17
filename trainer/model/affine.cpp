#include "trainer/model/affine.h"

#include <algorithm>
#include <vector>

#include "trainer/model/row_product.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kManyRows = 32;    // fewer do not repay what oneDNN does before it starts
constexpr std::int64_t kWideEnough = 16;  // numbers a row, in and out
constexpr std::int64_t kHead = 1 << 15;   // out: as many rows of a vocabulary gain nothing

// LibTorch has a float32 product computed by MKL or OpenBLAS, and these keep to AVX2 on processors
// that are not Intel's (MKL) or are newer than they are (OpenBLAS).
bool has_instructions_left_unused() {
#ifdef __x86_64__
  static const bool has =
      at::globalContext().hasMKLDNN() && __builtin_cpu_supports("avx512f") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_is("intel") == 0;
  return has;
#else
  return false;
#endif
}

bool gains_by_convolving(const Tensor& x, const Tensor& weight) {
  return x.device() == weight.device() && x.scalar_type() == weight.scalar_type() &&
         x.size(-1) == weight.size(1) && x.numel() > 0 &&
         is_affine_faster(x.numel() / x.size(-1), weight);
}

// x·Wᵀ, x [rows, in]. A linear layer is a convolution of one pixel, whose rows are the image and
// whose numbers the channels, which come last. That LibTorch gives to oneDNN, which takes AVX-512
// on whoever's processor: twice as fast (docs/bench.md), though it lays W out anew each time.
Tensor convolved(const Tensor& x, const Tensor& weight) {
  const Tensor image = x.contiguous().view({1, x.size(0), 1, x.size(1)}).permute({0, 3, 1, 2});
  const Tensor kernel = weight.contiguous().view({weight.size(0), weight.size(1), 1, 1});
  const Tensor y = at::mkldnn_convolution(image, kernel, {}, {0, 0}, {1, 1}, {1, 1}, 1);
  return at::_unsafe_view(y.permute({0, 2, 3, 1}), {x.size(0), weight.size(0)});
}

// The gradients are products of the same kind. LibTorch's own of a convolution go to oneDNN only
// where an operator has several threads, and a shard's have one.
class Convolved : public torch::autograd::Function<Convolved> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight) {
    context->save_for_backward({weight.requires_grad() ? x : Tensor(), weight});
    return convolved(x, weight);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor& dy = gradients[0];
    Tensor dx;
    Tensor dweight;
    if (context->needs_input_grad(0)) dx = convolved(dy, weight.t());
    if (context->needs_input_grad(1))
      dweight =
          gains_by_convolving(dy.t(), x.t()) ? convolved(dy.t(), x.t()) : torch::mm(dy.t(), x);
    return {dx, dweight};
  }
};

}  // namespace

bool is_affine_faster(std::int64_t rows, const Tensor& weight) {
  const std::int64_t out = weight.size(0);
  const std::int64_t in = weight.size(1);
  return weight.is_cpu() && weight.scalar_type() == torch::kFloat32 && rows >= kManyRows &&
         std::min(in, out) >= kWideEnough && out < kHead && has_instructions_left_unused();
}

Tensor affine(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const std::int64_t in = weight.size(1);
  const bool one_row = x.numel() > 0 && x.numel() == in;
  if (!one_row && !gains_by_convolving(x, weight)) return torch::linear(x, weight, bias);
  Tensor y =
      one_row ? row_product(weight, x.reshape(-1)) : Convolved::apply(x.reshape({-1, in}), weight);
  if (bias.defined()) y.add_(bias);
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return y.view(shape);
}

}  // namespace strop::trainer
