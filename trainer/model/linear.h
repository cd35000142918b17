// A linear layer with an optional low-rank adapter that can be switched off.
//
// y = x·Wᵀ + b, and with the adapter on y += scale · (x·Aᵀ)·Bᵀ, scale = alpha / r (Hu et al. 2021,
// LoRA, eq. 3). Shapes: W [out, in], b [out], A [r, in], B [out, r], x [..., in]. Owns its tensors;
// one thread. A starts as kaiming_uniform(√5) and B as 0, so a fresh adapter changes nothing.
#pragma once

#include <string>
#include <vector>

#include "trainer/torch.h"

namespace strop::trainer {

class Linear {
 public:
  Linear() = default;
  Linear(std::string name, torch::Tensor weight, torch::Tensor bias)
      : name_(std::move(name)), weight_(std::move(weight)), bias_(std::move(bias)) {}

  // A(x) is computed of x with each number dropped by the adapter's share, the others made larger.
  torch::Tensor forward(const torch::Tensor& x, bool with_adapter) const;
  // What several layers make of the same x, in their order: what their adapters share is done once.
  static std::vector<torch::Tensor> forward_all(const torch::Tensor& x,
                                                const std::vector<const Linear*>& layers,
                                                bool with_adapter);

  void add_adapter(std::int64_t rank, double alpha, double dropout);
  void set_adapter(torch::Tensor a, torch::Tensor b, double scale);
  void remove_adapter();
  bool has_adapter() const { return a_.defined(); }

  // W with the adapter added in, in fp32.
  torch::Tensor merged_weight() const;

  const std::string& name() const { return name_; }  // as in the checkpoint, without ".weight"
  torch::Tensor& weight() { return weight_; }
  torch::Tensor& bias() { return bias_; }
  torch::Tensor& a() { return a_; }
  torch::Tensor& b() { return b_; }
  double scale() const { return scale_; }
  // While training, what the adapter's dropout is drawn from; undefined: nothing is dropped.
  void drop_by(at::Generator generator) { generator_ = std::move(generator); }

 private:
  // Whether of this layer the adapter alone is trained, and Adapted (linear.cpp) gains by it.
  bool adapter_alone_trains(const torch::Tensor& x) const;
  bool drops() const { return dropout_ != 0 && generator_.defined(); }
  torch::Tensor dropped(const torch::Tensor& x) const;

  std::string name_;
  torch::Tensor weight_;
  torch::Tensor bias_;  // undefined: none
  torch::Tensor a_;
  torch::Tensor b_;
  double scale_ = 0;
  double dropout_ = 0;
  at::Generator generator_;
};

}  // namespace strop::trainer
