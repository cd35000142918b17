// In which numbers a model computes: float32, or bfloat16 with all that is trained kept in float32.
//
// Free functions; any thread. Errors: std::invalid_argument for a name that is none, and where
// bfloat16 was asked for and comes out wrong here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trainer/model/config.h"
#include "trainer/torch.h"

namespace strop::trainer {

enum class Precision {
  kAuto,  // bfloat16 where the device has instructions for it, they are right, and the model is
          // large enough to gain by it
  kFloat32,
  kBfloat16,
};

// "auto", "float32", "bfloat16".
std::string_view precision_name(Precision precision);
std::optional<Precision> precision_by_name(std::string_view name);
// The same of what `where` says; std::invalid_argument with the known names for another one.
Precision precision_of(std::string_view name, const std::string& where);

inline constexpr const char* kPrecisionHelp =
    "what to compute in: auto, float32 or bfloat16 (default: precision in trainer.toml, else auto: "
    "bfloat16 where the file has it, and model and device gain by it)";

// Whether products in bfloat16 are rounded once, however their matrices lie. Without AVX-512
// LibTorch 1.13 rounds at every addition where the second one is not transposed, as in gradients.
bool is_bfloat16_right(const torch::Device& device);
// float32 or bfloat16: what `asked` comes to, for this model on this device. `widest`: the type
// that its file has; one that bfloat16 would round stays float32 unless it was asked for.
torch::ScalarType compute_type(Precision asked, const ModelConfig& config,
                               const torch::Device& device,
                               torch::ScalarType widest = torch::kBFloat16);
// "float32" or "bfloat16".
const char* type_name(torch::ScalarType type);

}  // namespace strop::trainer
