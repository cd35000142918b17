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
