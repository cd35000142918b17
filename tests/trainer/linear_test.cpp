// A linear layer with an adapter against its formula, values and gradients.
#include "trainer/model/linear.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr double kScale = 1.5;

Tensor numbers(torch::IntArrayRef shape) { return torch::randn(shape, torch::kFloat64); }

class AdaptedLinear : public testing::TestWithParam<bool> {
 protected:
  AdaptedLinear() {
    torch::manual_seed(2);
    weight_ = numbers({6, 5});
    if (GetParam()) bias_ = numbers({6});
    a_ = numbers({3, 5}).requires_grad_();
    b_ = numbers({6, 3}).requires_grad_();
    x_ = numbers({2, 4, 5}).requires_grad_();
    linear_ = Linear("any", weight_, bias_);
    linear_.set_adapter(a_, b_, kScale);
  }
  Tensor by_formula() const {
    const Tensor plain = torch::linear(x_, weight_, bias_);
    return plain + kScale * torch::matmul(torch::matmul(x_, a_.t()), b_.t());
  }

  Tensor weight_;
  Tensor bias_;
  Tensor a_;
  Tensor b_;
  Tensor x_;
  Linear linear_;
};

INSTANTIATE_TEST_SUITE_P(WithBias, AdaptedLinear, testing::Bool());

TEST_P(AdaptedLinear, IsItsFormulaWithAllGradients) {
  const Tensor is = linear_.forward(x_, true);
  const Tensor should = by_formula();
  EXPECT_LE(largest_difference(is, should), 1e-12);
  const Tensor along = torch::randn_like(is);
  const std::vector<Tensor> inputs{x_, a_, b_};
  const auto slopes = torch::autograd::grad({(is * along).sum()}, inputs);
  const auto wanted = torch::autograd::grad({(should * along).sum()}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LE(largest_difference(slopes[i], wanted[i]), 1e-12) << i;
}

TEST_P(AdaptedLinear, ATrainedWeightHasItsGradientBesideTheAdapters) {
  weight_.requires_grad_();
  const Tensor is = linear_.forward(x_, true);
  const std::vector<Tensor> inputs{x_, a_, b_, weight_};
  const auto slopes = torch::autograd::grad({is.sum()}, inputs);
  const auto wanted = torch::autograd::grad({by_formula().sum()}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LE(largest_difference(slopes[i], wanted[i]), 1e-12) << i;
}

TEST_P(AdaptedLinear, WithItsAdapterOffIsThePlainOne) {
  EXPECT_TRUE(torch::equal(linear_.forward(x_, false), torch::linear(x_, weight_, bias_)));
}

// As large models are trained on a CPU: wide enough for the products of affine.h, rows that lie
// apart.
TEST(Adapted, InFloat32IsNearItsFormula) {
  torch::manual_seed(3);
  const Tensor weight = torch::randn({48, 32});
  const Tensor a = torch::randn({16, 32}).requires_grad_();
  const Tensor b = torch::randn({48, 16}).requires_grad_();
  const Tensor x = torch::randn({32, 70}).requires_grad_();
  Linear linear("any", weight, {});
  linear.set_adapter(a, b, kScale);
  const Tensor is = linear.forward(x.t(), true);
  const Tensor should =
      torch::mm(x.t(), weight.t()) + kScale * torch::mm(torch::mm(x.t(), a.t()), b.t());
  const std::vector<Tensor> inputs{x, a, b};
  const Tensor along = torch::randn_like(should);
  const auto slopes = torch::autograd::grad({(is * along).sum()}, inputs);
  const auto wanted = torch::autograd::grad({(should * along).sum()}, inputs);
  EXPECT_LE(largest_difference(is, should) / should.abs().max().item<double>(), 1e-5);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LE(largest_difference(slopes[i], wanted[i]) / wanted[i].abs().max().item<double>(), 1e-5)
        << i;
}

// Two layers of the same rows, of other widths, ranks and scales.
TEST_P(AdaptedLinear, WithOthersIsWhatEachIsAlone) {
  const Tensor a = numbers({2, 5}).requires_grad_();
  const Tensor b = numbers({4, 2}).requires_grad_();
  Linear other("other", numbers({4, 5}), {});
  other.set_adapter(a, b, 0.5);
  const auto both = Linear::forward_all(x_, {&other, &linear_}, true);
  ASSERT_EQ(both.size(), 2u);
  const std::vector<Tensor> alone{other.forward(x_, true), by_formula()};
  const std::vector<Tensor> inputs{x_, a, b, a_, b_};
  Tensor sum = torch::zeros({}, torch::kFloat64);
  Tensor wanted_sum = torch::zeros({}, torch::kFloat64);
  for (std::size_t i = 0; i < both.size(); ++i) {
    EXPECT_LE(largest_difference(both[i], alone[i]), 1e-12) << i;
    const Tensor along = torch::randn_like(alone[i]);
    sum = sum + (both[i] * along).sum();
    wanted_sum = wanted_sum + (alone[i] * along).sum();
  }
  const auto slopes = torch::autograd::grad({sum}, inputs);
  const auto wanted = torch::autograd::grad({wanted_sum}, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LE(largest_difference(slopes[i], wanted[i]), 1e-12) << i;
}

TEST_P(AdaptedLinear, BesideOneWithoutAnAdapterIsItself) {
  const Linear plain("plain", numbers({4, 5}), {});
  const auto both = Linear::forward_all(x_, {&plain, &linear_}, true);
  EXPECT_TRUE(torch::equal(both[0], plain.forward(x_, true)));
  EXPECT_LE(largest_difference(both[1], by_formula()), 1e-12);
}

// As a server calls it: nothing is kept, and one row goes another way.
TEST_P(AdaptedLinear, WithoutGradientsIsTheSame) {
  const torch::NoGradGuard no_grad;
  EXPECT_LE(largest_difference(linear_.forward(x_, true), by_formula()), 1e-12);
  const Tensor row = x_.select(0, 0).narrow(0, 0, 1);
  EXPECT_LE(
      largest_difference(linear_.forward(row, true), by_formula().select(0, 0).narrow(0, 0, 1)),
      1e-12);
}

}  // namespace
}  // namespace strop::trainer
