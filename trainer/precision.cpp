#include "trainer/precision.h"

#include <array>
#include <stdexcept>
#include <utility>

namespace strop::trainer {
namespace {

constexpr std::array kNames{std::pair{"auto", Precision::kAuto},
                            std::pair{"float32", Precision::kFloat32},
                            std::pair{"bfloat16", Precision::kBfloat16}};
// How far off a product of 1024 terms may be, of its largest number: rounded once it is 0.002 off,
// at every addition 0.1.
constexpr double kRoundedOnce = 1.0 / 64;
constexpr std::int64_t kLargeEnough = 512;  // hidden size: smaller matrices are not what takes time

// Every GPU that LibTorch's CUDA builds know has bfloat16 products, since Volta by way of float32.
bool has_instructions(const torch::Device& device) {
  if (device.is_cuda()) return true;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

std::string_view precision_name(Precision precision) {
  for (const auto& [name, known] : kNames)
    if (known == precision) return name;
  return "";
}

std::optional<Precision> precision_by_name(std::string_view name) {
  for (const auto& [known, precision] : kNames)
    if (known == name) return precision;
  return std::nullopt;
}

Precision precision_of(std::string_view name, const std::string& where) {
  const auto out = precision_by_name(name);
  if (!out)
    throw std::invalid_argument(where + " '" + std::string(name) +
                                "' is unknown (known: auto, float32, bfloat16)");
  return *out;
}

bool is_bfloat16_right(const torch::Device& device) {
  const auto numbers = [&](std::int64_t rows, std::int64_t columns) {
    return torch::sin(torch::arange(rows * columns, torch::kFloat32))
        .view({rows, columns})
        .to(device, torch::kBFloat16);
  };
  const auto across = [](const torch::Tensor& matrix) { return matrix.t().contiguous().t(); };
  const torch::Tensor a = numbers(48, 1024);
  const torch::Tensor b = numbers(1024, 96);
  const torch::Tensor wanted = torch::mm(a.to(torch::kFloat32), b.to(torch::kFloat32));
  const auto is_near = [&](const torch::Tensor& product) {
    const torch::Tensor difference = (product.to(torch::kFloat32) - wanted).abs().max();
    return (difference / wanted.abs().max()).item<double>() <= kRoundedOnce;
  };
  return is_near(torch::mm(a, across(b))) && is_near(torch::mm(a, b)) &&
         is_near(torch::mm(across(a), b));
}

torch::ScalarType compute_type(Precision asked, const ModelConfig& config,
                               const torch::Device& device, torch::ScalarType widest) {
  const bool rounds = widest != torch::kBFloat16;
  if (asked == Precision::kFloat32 || (asked == Precision::kAuto && rounds)) return torch::kFloat32;
  const bool right = is_bfloat16_right(device);
  if (asked == Precision::kBfloat16 && !right)
    throw std::invalid_argument(
        "bfloat16 comes out wrong on this device: say --precision float32, or precision = "
        "\"float32\" where it says bfloat16 (a recipe's [train], or trainer.toml)");
  const bool gains = has_instructions(device) && config.hidden >= kLargeEnough;
  return asked == Precision::kBfloat16 || (right && gains) ? torch::kBFloat16 : torch::kFloat32;
}

const char* type_name(torch::ScalarType type) {
  return type == torch::kBFloat16 ? "bfloat16" : "float32";
}

}  // namespace strop::trainer
