#include "bench/gemm_floor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>

#include "trainer/device.h"
#include "trainer/model/affine.h"
#include "trainer/model/config.h"
#include "trainer/threads.h"
#include "trainer/torch.h"

namespace strop::bench {
namespace {

constexpr std::chrono::duration<double> kMeasured{1};  // seconds of each shape; the best counts
constexpr double kPasses = 2;                          // forward, and the gradient of the input

// Of all matrices of that shape, for a pair.
double flop_of(const Gemm& gemm, std::int64_t epochs) {
  const double reference = epochs > 0 ? 1.0 / static_cast<double>(epochs) : 0;
  return static_cast<double>(gemm.count) * (kPasses + reference) * gemm.flop() /
         static_cast<double>(gemm.pairs);
}

void wait_for(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

void measure(Gemm& gemm, const torch::TensorOptions& options) {
  const torch::NoGradGuard no_grad;
  const torch::Device device = options.device();
  const torch::Tensor x = torch::randn({gemm.rows, gemm.in}, options);
  const torch::Tensor weight = torch::randn({gemm.out, gemm.in}, options);
  const auto end = std::chrono::steady_clock::now() + kMeasured;
  while (gemm.by_strop == 0 || std::chrono::steady_clock::now() < end) {
    for (const bool ours : {false, true}) {
      wait_for(device);
      const auto began = std::chrono::steady_clock::now();
      const torch::Tensor y = ours ? trainer::affine(x, weight, {}) : torch::linear(x, weight);
      wait_for(device);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      double& best = ours ? gemm.by_strop : gemm.by_libtorch;
      best = std::max(best, gemm.flop() / took.count());
    }
  }
}

}  // namespace

double Gemm::flop() const {
  return 2 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

std::vector<Gemm> measure_gemms(const std::string& folder, const PairShape& pair,
                                const GemmMachine& machine) {
  const auto config = trainer::load_config(folder);
  if (!config) throw std::runtime_error(config.error());
  const std::int64_t tokens = pair.prompt + 2 * pair.completion;
  std::map<std::pair<std::int64_t, std::int64_t>, Gemm> by_shape;
  for (const auto& [name, shape] : trainer::tensor_shapes(*config)) {
    if (shape.size() != 2 || !name.starts_with("model.layers.")) continue;
    Gemm& gemm = by_shape[{shape[0], shape[1]}];
    gemm = {tokens * machine.pairs, shape[1], shape[0], gemm.count + 1, machine.pairs};
  }
  std::vector<Gemm> out;
  for (const auto& [shape, gemm] : by_shape) out.push_back(gemm);
  out.push_back(
      {2 * pair.completion * machine.pairs, config->hidden, config->vocab, 1, machine.pairs});
  at::set_num_threads(trainer::thread_count(machine.threads));
  const auto options = torch::TensorOptions(trainer::choose_device(machine.device))
                           .dtype(machine.bfloat16 ? torch::kBFloat16 : torch::kFloat32);
  for (Gemm& gemm : out) measure(gemm, options);
  return out;
}

double least_flop(const std::vector<Gemm>& gemms, std::int64_t epochs) {
  double flop = 0;
  for (const Gemm& gemm : gemms) flop += flop_of(gemm, epochs);
  return flop;
}

double least_seconds(const std::vector<Gemm>& gemms, std::int64_t epochs, Product product) {
  double seconds = 0;
  for (const Gemm& gemm : gemms) {
    const double rate = product == Product::kLibTorch ? gemm.by_libtorch
                                                      : std::max(gemm.by_libtorch, gemm.by_strop);
    seconds += flop_of(gemm, epochs) / rate;
  }
  return seconds;
}

}  // namespace strop::bench
