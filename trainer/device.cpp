#include "trainer/device.h"

#include <charconv>
#include <optional>
#include <stdexcept>

namespace strop::trainer {
namespace {

constexpr std::string_view kCuda = "cuda";

// The N of "cuda:N", 0 for "cuda"; nothing for anything else.
std::optional<std::size_t> gpu_index(std::string_view text) {
  if (text == kCuda) return 0;
  if (!text.starts_with("cuda:")) return std::nullopt;
  text.remove_prefix(kCuda.size() + 1);
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

torch::Device gpu(std::size_t index) {
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(index)};
}

}  // namespace

torch::Device choose_device(const std::string& asked) {
  return choose_device(asked, torch::cuda::is_available() ? torch::cuda::device_count() : 0);
}

torch::Device choose_device(const std::string& asked, std::size_t gpus) {
  if (asked == "cpu" || (asked.empty() && gpus == 0)) return torch::kCPU;
  if (asked.empty()) return gpu(0);
  const auto index = gpu_index(asked);
  if (!index) throw std::invalid_argument("device '" + asked + "' is unknown: cpu, cuda or cuda:N");
  if (gpus == 0)
    throw std::invalid_argument(
        "device '" + asked +
        "' is not there: this LibTorch sees no NVIDIA GPU. Is it the one of the pip wheel (./dev "
        "libtorch), and does nvidia-smi list the GPU? Or take device cpu");
  if (*index >= gpus)
    throw std::invalid_argument("device '" + asked +
                                "' is not there: the GPUs of this machine are " +
                                "cuda:0 to cuda:" + std::to_string(gpus - 1));
  return gpu(*index);
}

torch::Device device_of(const Decoder& model) { return model.tensors().begin()->second.device(); }

int worker_count(const torch::Device& device, int threads) {
  return device.is_cuda() ? 1 : threads;
}

}  // namespace strop::trainer
