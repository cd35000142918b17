#include "trainer/model/row_product.h"

#include <ATen/TensorIterator.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <cstring>
#include <vector>

#include "trainer/model/wide.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr std::int64_t kGrain = 1 << 15;  // products that are worth a thread
constexpr std::int64_t kSums = 4;         // independent, so that one need not wait for another
using EightLanes [[gnu::vector_size(8 * sizeof(float))]] = float;
using SixteenLanes [[gnu::vector_size(16 * sizeof(float))]] = float;
using EightHalves [[gnu::vector_size(sizeof(EightLanes) / 2)]] = std::uint16_t;
using EightBits [[gnu::vector_size(sizeof(EightLanes))]] = std::uint32_t;
using SixteenHalves [[gnu::vector_size(sizeof(SixteenLanes) / 2)]] = std::uint16_t;
using SixteenBits [[gnu::vector_size(sizeof(SixteenLanes))]] = std::uint32_t;

template <class Lanes>
[[gnu::always_inline]] inline void load(const float* from, Lanes& to) {
  std::memcpy(&to, from, sizeof to);
}

// The upper halves of as many float32.
template <class Halves, class Bits, class Lanes>
[[gnu::always_inline]] inline void load_halves(const at::BFloat16* from, Lanes& to) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const Bits bits = __builtin_convertvector(halves, Bits) << 16;
  std::memcpy(&to, &bits, sizeof to);
}

[[gnu::always_inline]] inline void load(const at::BFloat16* from, EightLanes& to) {
  load_halves<EightHalves, EightBits>(from, to);
}

[[gnu::always_inline]] inline void load(const at::BFloat16* from, SixteenLanes& to) {
  load_halves<SixteenHalves, SixteenBits>(from, to);
}

// Σ a·b. Always inlined, so that it is of the caller's instructions.
template <class Lanes, class Number>
[[gnu::always_inline]] inline float dot(const Number* a, const float* b, std::int64_t size) {
  constexpr std::int64_t kWidth = sizeof(Lanes) / sizeof(float);
  Lanes sums[kSums]{};
  std::int64_t at = 0;
  for (; at + kWidth * kSums <= size; at += kWidth * kSums)
    for (std::int64_t i = 0; i < kSums; ++i) {
      Lanes x, y;
      load(a + at + i * kWidth, x);
      load(b + at + i * kWidth, y);
      sums[i] += x * y;
    }
  const Lanes together = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float out = 0;
  for (std::int64_t i = 0; i < kWidth; ++i) out += together[i];
  for (; at < size; ++at) out += a[at] * b[at];
  return out;
}

template <class Number, class Other>
using Rows = void (*)(const Number* rows, const Other* x, float* y, std::int64_t count,
                      std::int64_t size);

template <class Number>
void dot_rows(const Number* rows, const float* x, float* y, std::int64_t count, std::int64_t size) {
  for (std::int64_t row = 0; row < count; ++row)
    y[row] = dot<EightLanes>(rows + row * size, x, size);
}

#ifdef __x86_64__
template <class Number>
[[gnu::target("avx2,fma")]] void dot_rows_avx2(const Number* rows, const float* x, float* y,
                                               std::int64_t count, std::int64_t size) {
  for (std::int64_t row = 0; row < count; ++row)
    y[row] = dot<EightLanes>(rows + row * size, x, size);
}

// A quarter more than that: twice as much is on its way from memory.
template <class Number>
[[gnu::target("avx512f")]] void dot_rows_avx512(const Number* rows, const float* x, float* y,
                                                std::int64_t count, std::int64_t size) {
  for (std::int64_t row = 0; row < count; ++row)
    y[row] = dot<SixteenLanes>(rows + row * size, x, size);
}

// A third more than that: nothing is widened before it is multiplied.
[[gnu::target("avx512f,avx512bf16")]] void dot_rows_avx512_bf16(const at::BFloat16* rows,
                                                                const at::BFloat16* x, float* y,
                                                                std::int64_t count,
                                                                std::int64_t size) {
  constexpr std::int64_t kWidth = 32;
  for (std::int64_t row = 0; row < count; ++row, rows += size) {
    __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    std::int64_t at = 0;
    for (; at + 2 * kWidth <= size; at += 2 * kWidth)
      for (std::int64_t i = 0; i < 2; ++i)
        sums[i] = _mm512_dpbf16_ps(
            sums[i], reinterpret_cast<__m512bh>(_mm512_loadu_si512(rows + at + i * kWidth)),
            reinterpret_cast<__m512bh>(_mm512_loadu_si512(x + at + i * kWidth)));
    float out = _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
    for (; at < size; ++at) out += static_cast<float>(rows[at]) * static_cast<float>(x[at]);
    y[row] = out;
  }
}
#endif

template <class Number>
Rows<Number, float> best_rows() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return dot_rows_avx512<Number>;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return dot_rows_avx2<Number>;
#endif
  return dot_rows<Number>;
}

// W [out, in] and a row, both contiguous and of these numbers → float32 [out].
template <class Number, class Other>
Tensor product(Rows<Number, Other> rows, const Tensor& weight, const Tensor& row) {
  const std::int64_t size = weight.size(1);
  Tensor out = torch::empty({weight.size(0)}, weight.options().dtype(torch::kFloat32));
  float* const y = out.data_ptr<float>();
  const Number* const w = weight.data_ptr<Number>();
  const Other* const x = row.data_ptr<Other>();
  at::TensorIterator places = at::TensorIterator::nullary_op(out);
  places.for_each(
      [&](char** data, const std::int64_t*, std::int64_t count) {
        auto* const first = reinterpret_cast<float*>(data[0]);
        rows(w + (first - y) * size, x, first, count, size);
      },
      std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, size)));
  return out;
}

Tensor bfloat16_product(const Tensor& weight, const Tensor& row) {
#ifdef __x86_64__
  static const bool multiplies = __builtin_cpu_supports("avx512bf16") != 0;
  if (multiplies)
    return product<at::BFloat16, at::BFloat16>(dot_rows_avx512_bf16, weight, row.contiguous());
#endif
  static const Rows<at::BFloat16, float> rows = best_rows<at::BFloat16>();
  return product(rows, weight, row.to(torch::kFloat32).contiguous());
}

Tensor float_product(const Tensor& weight, const Tensor& row) {
  static const Rows<float, float> rows = best_rows<float>();
  return product(rows, weight, row.contiguous());
}

bool is_plain(const Tensor& t) {
  const auto type = t.scalar_type();
  return t.is_cpu() && t.is_contiguous() && (type == torch::kFloat32 || type == torch::kBFloat16);
}

}  // namespace

// W·x read once from memory by LibTorch's threads: MKL gives it to one of them, and on processors
// of others than Intel at half of what that one can read. Sums are in float32.
Tensor wide_row_product(const Tensor& weight, const Tensor& row) {
  TORCH_CHECK(row.dim() == 1 && row.size(0) == weight.size(1), "a row of ", weight.size(1),
              " is not ", row.sizes());
  const bool learns =
      torch::GradMode::is_enabled() && (weight.requires_grad() || row.requires_grad());
  if (learns || !is_plain(weight) || weight.scalar_type() != row.scalar_type() || !row.is_cpu())
    return wide(torch::mv(weight, row));
  return weight.scalar_type() == torch::kFloat32 ? float_product(weight, row)
                                                 : bfloat16_product(weight, row);
}

Tensor row_product(const Tensor& weight, const Tensor& row) {
  return wide_row_product(weight, row).to(row.scalar_type());
}

}  // namespace strop::trainer
