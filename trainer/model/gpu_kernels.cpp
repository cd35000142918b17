#include "trainer/model/gpu_kernels.h"

#include "trainer/model/torch_version.h"

#if STROP_HAS_GPU_KERNELS

#include <ATen/cuda/jiterator.h>

#include <mutex>

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr const char* kGatedSilu = R"(
template <typename T> T gated_silu(T gate, T up) {
  const float g = gate;
  return T(g / (1.0f + exp(-g)) * float(up));
})";

constexpr const char* kGatedSiluBackward = R"(
template <typename T> void gated_silu_backward(T gradient, T gate, T up, T& dgate, T& dup) {
  const float d = gradient;
  const float g = gate;
  const float share = 1.0f / (1.0f + exp(-g));
  dgate = T(d * float(up) * share * (1.0f + g * (1.0f - share)));
  dup = T(d * g * share);
})";

constexpr const char* kTurned = R"(
template <typename T> T turned(T x, T other, T cos, T cos_rest, T sin, T sin_rest) {
  return T(float(x) * (float(cos) + float(cos_rest)) + float(other) * (float(sin) + float(sin_rest)));
})";

c10::SmallVector<Tensor> run(const char* code, const char* name, int outputs,
                             const c10::SmallVector<Tensor>& inputs) {
  static std::mutex mutex;  // LibTorch's list of what is compiled has none
  const std::lock_guard lock(mutex);
  return at::cuda::CompileAndLaunchKernel(code, name, outputs, inputs, {}, outputs > 1);
}

// Each against LibTorch's operators on some numbers.
bool are_right(const torch::TensorOptions& options) {
  const torch::NoGradGuard no_grad;
  const auto numbers = [&](double slope) {
    const Tensor out = torch::sin(torch::arange(256, torch::kFloat32) * slope);
    return out.view({4, 4, 16}).to(options.device()).to(c10::typeMetaToScalarType(options.dtype()));
  };
  const auto near = [](const Tensor& is, const Tensor& should) {
    return torch::allclose(is.to(torch::kFloat32), should.to(torch::kFloat32), 1.0 / 64, 1e-2);
  };
  const Tensor a = numbers(0.7);
  const Tensor b = numbers(1.3);
  const Tensor d = numbers(0.9);
  const Tensor cos = numbers(0.3).narrow(1, 0, 1);
  const Tensor sin = numbers(0.5).narrow(1, 0, 1);
  const Tensor none = torch::zeros_like(cos);
  try {
    const auto [dgate, dup] = gated_silu_backward_on_gpu(d, a, b);
    return near(gated_silu_on_gpu(a, b), torch::silu(a) * b) &&
           near(dgate, at::silu_backward(d * b, a)) && near(dup, torch::silu(a) * d) &&
           near(turned_on_gpu(a, b, cos, none, sin, none), a * cos + b * sin);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {  // no compiler for this GPU
    return false;
  }
}

}  // namespace

bool has_gpu_kernels(const Tensor& t) {
  if (!t.is_cuda() || t.element_size() != 2) return false;
  static const bool right = are_right(t.options());
  return right;
}

Tensor gated_silu_on_gpu(const Tensor& gate, const Tensor& up) {
  return run(kGatedSilu, "gated_silu", 1, {gate, up})[0];
}

std::pair<Tensor, Tensor> gated_silu_backward_on_gpu(const Tensor& gradient, const Tensor& gate,
                                                     const Tensor& up) {
  const auto out = run(kGatedSiluBackward, "gated_silu_backward", 2, {gradient, gate, up});
  return {out[0], out[1]};
}

Tensor turned_on_gpu(const Tensor& x, const Tensor& other, const Tensor& cos,
                     const Tensor& cos_rest, const Tensor& sin, const Tensor& sin_rest) {
  return run(kTurned, "turned", 1, {x, other, cos, cos_rest, sin, sin_rest})[0];
}

}  // namespace strop::trainer

#endif
