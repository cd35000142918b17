#include "trainer/model/row_product.h"

#include <ATen/TensorIterator.h>

#include <cstring>
#include <vector>

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr std::int64_t kGrain = 1 << 15;  // products that are worth a thread
constexpr std::int64_t kSums = 4;         // independent, so that one need not wait for another
using EightLanes [[gnu::vector_size(8 * sizeof(float))]] = float;
using SixteenLanes [[gnu::vector_size(16 * sizeof(float))]] = float;

// Σ a·b. Always inlined, so that it is of the caller's instructions.
template <class Lanes>
[[gnu::always_inline]] inline float dot(const float* a, const float* b, std::int64_t size) {
  constexpr std::int64_t kWidth = sizeof(Lanes) / sizeof(float);
  Lanes sums[kSums]{};
  std::int64_t at = 0;
  for (; at + kWidth * kSums <= size; at += kWidth * kSums)
    for (std::int64_t i = 0; i < kSums; ++i) {
      Lanes x, y;
      std::memcpy(&x, a + at + i * kWidth, sizeof x);
      std::memcpy(&y, b + at + i * kWidth, sizeof y);
      sums[i] += x * y;
    }
  const Lanes together = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float out = 0;
  for (std::int64_t i = 0; i < kWidth; ++i) out += together[i];
  for (; at < size; ++at) out += a[at] * b[at];
  return out;
}

using Rows = void (*)(const float* rows, const float* x, float* y, std::int64_t count,
                      std::int64_t size);

void dot_rows(const float* rows, const float* x, float* y, std::int64_t count, std::int64_t size) {
  for (std::int64_t row = 0; row < count; ++row)
    y[row] = dot<EightLanes>(rows + row * size, x, size);
}

#ifdef __x86_64__
[[gnu::target("avx2,fma")]] void dot_rows_avx2(const float* rows, const float* x, float* y,
                                               std::int64_t count, std::int64_t size) {
  for (std::int64_t row = 0; row < count; ++row)
    y[row] = dot<EightLanes>(rows + row * size, x, size);
}

// A quarter more than that: twice as much is on its way from memory.
[[gnu::target("avx512f")]] void dot_rows_avx512(const float* rows, const float* x, float* y,
                                                std::int64_t count, std::int64_t size) {
  for (std::int64_t row = 0; row < count; ++row)
    y[row] = dot<SixteenLanes>(rows + row * size, x, size);
}
#endif

Rows best_rows() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return dot_rows_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return dot_rows_avx2;
#endif
  return dot_rows;
}

bool is_plain(const Tensor& t) {
  return t.is_cpu() && t.scalar_type() == torch::kFloat32 && t.is_contiguous();
}

}  // namespace

// W·x read once from memory by LibTorch's threads: MKL gives it to one of them, and on processors
// of others than Intel at half of what that one can read.
Tensor row_product(const Tensor& weight, const Tensor& row) {
  TORCH_CHECK(row.dim() == 1 && row.size(0) == weight.size(1), "a row of ", weight.size(1),
              " is not ", row.sizes());
  const bool learns =
      torch::GradMode::is_enabled() && (weight.requires_grad() || row.requires_grad());
  if (learns || !is_plain(weight) || !is_plain(row)) return torch::mv(weight, row);
  static const Rows rows = best_rows();
  const std::int64_t size = weight.size(1);
  Tensor out = torch::empty({weight.size(0)}, weight.options());
  float* const y = out.data_ptr<float>();
  const float* const w = weight.data_ptr<float>();
  const float* const x = row.data_ptr<float>();
  at::TensorIterator places = at::TensorIterator::nullary_op(out);
  places.for_each(
      [&](char** data, const std::int64_t*, std::int64_t count) {
        auto* const first = reinterpret_cast<float*>(data[0]);
        rows(w + (first - y) * size, x, first, count, size);
      },
      std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, size)));
  return out;
}

}  // namespace strop::trainer
