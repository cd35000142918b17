// AdamW, learning-rate schedules and gradient clipping.
//
// Pure apart from the optimizer's own moments; one thread. Parameters are updated in place, in
// fp32, many tensors with one call: a GPU computes them in one launch. State can be saved and put
// back, and the run then goes on bit for bit. Sources: Loshchilov & Hutter 2019, "Decoupled Weight
// Decay Regularization", algorithm 2; cosine from their 2017 SGDR without restarts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/safetensors.h"
#include "trainer/torch.h"

namespace strop::trainer {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  double weight_decay = 0;  // on matrices alone; vectors (norms, biases) are not decayed
};

class AdamW {
 public:
  AdamW(std::vector<torch::Tensor> parameters, const AdamWOptions& options);

  // One step with the gradients that the parameters hold now; a parameter without one is left
  // alone.
  void step(double learning_rate);
  void zero_grad();

  // Scales all gradients so that their joint norm is at most `limit`; the norm before. A limit of 0
  // clips nothing.
  double clip(double limit);

  // "m.N", "v.N" and "step".
  NamedTensors state() const;
  // Throws std::runtime_error when the state is not of these parameters.
  void restore(const NamedTensors& state);

 private:
  using Tensors = std::vector<torch::Tensor>;

  // Parameters that have a gradient, in groups of not too many numbers.
  std::vector<std::vector<std::size_t>> groups() const;
  Tensors gradients_of(const std::vector<std::size_t>& group) const;

  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> m_;
  std::vector<torch::Tensor> v_;
  AdamWOptions options_;
  std::int64_t steps_ = 0;
};

enum class Schedule { kConstant, kLinear, kCosine };
std::optional<Schedule> schedule_by_name(const std::string& name);

// The factor of the peak rate at `step` of `total`: linear warm-up to 1, then as the schedule says
// down to `floor`.
double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t warmup,
                       std::int64_t total, double floor);

}  // namespace strop::trainer
