// Fused steps against the same formula in single operators.
#include "trainer/model/fused.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

void expect_equal(const Tensor& is, const Tensor& should, const std::vector<Tensor>& inputs) {
  EXPECT_LE(largest_difference(is, should), 1e-12);
  const Tensor along = torch::randn_like(is);
  const auto slopes = torch::autograd::grad({(is * along).sum()}, inputs);
  const auto wanted = torch::autograd::grad({(should * along).sum()}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LE(largest_difference(slopes[i], wanted[i]), 1e-12) << i;
}

TEST(Fused, RmsNormIsItsFormula) {
  torch::manual_seed(1);
  const Tensor x = torch::randn({3, 5, 16}, torch::kFloat64).requires_grad_();
  const Tensor weight = torch::randn({16}, torch::kFloat64).requires_grad_();
  expect_equal(rms_norm(x, weight, 1e-5), x * torch::rsqrt(x.pow(2).mean(-1, true) + 1e-5) * weight,
               {x, weight});
}

TEST(Fused, GatedSiluIsItsFormula) {
  torch::manual_seed(1);
  const Tensor gate = torch::randn({7, 16}, torch::kFloat64).requires_grad_();
  const Tensor up = torch::randn({7, 16}, torch::kFloat64).requires_grad_();
  expect_equal(gated_silu(gate, up), torch::silu(gate) * up, {gate, up});
}

TEST(Fused, TurnedIsItsFormula) {
  torch::manual_seed(1);
  const Tensor x = torch::randn({5, 3, 8}, torch::kFloat64).requires_grad_();
  const Tensor angle = torch::rand({5, 1, 4}, torch::kFloat64);
  const Tensor cos = angle.cos();
  const Tensor sin = angle.sin();
  const Tensor first = x.narrow(2, 0, 4);
  const Tensor second = x.narrow(2, 4, 4);
  const Turns turns =
      Turns::of(torch::cat({cos, cos}, 2), torch::cat({-sin, sin}, 2), torch::kFloat64);
  expect_equal(turned(x, turns),
               torch::cat({first * cos - second * sin, second * cos + first * sin}, 2), {x});
  const Tensor some = torch::tensor({4, 0});
  expect_equal(turned(x.index_select(0, some), turns.index_select(some)),
               turned(x, turns).index_select(0, some), {x});
}

// On a GPU by kernels of its own, which round once; on a CPU by operators, each of which rounds.
TEST(Fused, InBfloat16OnEveryDeviceIsNearTheWhole) {
  torch::manual_seed(1);
  const Tensor x = torch::randn({6, 2, 16});
  const Tensor other = torch::randn({6, 2, 16});
  const Tensor angle = torch::rand({6, 1, 8});
  const Tensor cos = torch::cat({angle.cos(), angle.cos()}, 2);
  const Tensor sin = torch::cat({-angle.sin(), angle.sin()}, 2);
  const Tensor weight = torch::rand({16}) + 0.5;
  const auto made = [&](torch::Device device, torch::ScalarType type) {
    const auto leaf = [&](const Tensor& t) {
      return t.to(torch::kBFloat16).to(device, type).requires_grad_();
    };
    const Tensor a = leaf(x);
    const Tensor b = leaf(other);
    const Tensor out = gated_silu(a, b) +
                       turned(a, Turns::of(cos.to(device), sin.to(device), type)) +
                       rms_norm(b, weight.to(device), 1e-5);
    std::vector<Tensor> all = torch::autograd::grad({(out * out).sum()}, {a, b});
    all.push_back(out.detach());
    for (Tensor& one : all) one = one.to(torch::kCPU, torch::kFloat32);
    return all;
  };
  const auto wanted = made(torch::kCPU, torch::kFloat32);
  for (const torch::Device device : devices_here()) {
    const auto is = made(device, torch::kBFloat16);
    for (std::size_t i = 0; i < is.size(); ++i)
      EXPECT_LE(((is[i] - wanted[i]).norm() / wanted[i].norm()).item<double>(), 1e-2)
          << device << ' ' << i;
  }
}

// Rounded once: what is computed of the same bfloat16 numbers in float32, to its last bit.
TEST(Fused, TheNormOfHalfPrecisionIsComputedInFull) {
  torch::manual_seed(1);
  const Tensor x = torch::randn({4, 512}).to(torch::kBFloat16);
  const Tensor weight = torch::randn({512});
  const Tensor is = rms_norm(x, weight, 1e-5);
  EXPECT_EQ(is.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::equal(is, rms_norm(x.to(torch::kFloat32), weight, 1e-5).to(torch::kBFloat16)));
}

TEST(Fused, TheGateOfHalfPrecisionIsNearTheWhole) {
  torch::manual_seed(1);
  const Tensor gate = torch::randn({7, 64}).to(torch::kBFloat16).requires_grad_();
  const Tensor up = torch::randn({7, 64}).to(torch::kBFloat16).requires_grad_();
  const Tensor is = gated_silu(gate, up);
  EXPECT_EQ(is.scalar_type(), torch::kBFloat16);
  const auto wide = [](const Tensor& t) { return t.detach().to(torch::kFloat32); };
  EXPECT_TRUE(torch::allclose(wide(is), gated_silu(wide(gate), wide(up)), 1.0 / 64, 1e-3));
  is.sum().backward();
  const Tensor wide_gate = wide(gate).requires_grad_();
  gated_silu(wide_gate, wide(up)).sum().backward();
  EXPECT_TRUE(torch::allclose(wide(gate.grad()), wide_gate.grad(), 1.0 / 64, 1e-2));
}

}  // namespace
}  // namespace strop::trainer
