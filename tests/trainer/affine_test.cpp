// However it is computed, it is the linear layer that LibTorch computes, and learns as that does.
#include "trainer/model/affine.h"

#include <gtest/gtest.h>

namespace strop::trainer {
namespace {

using torch::Tensor;

// Products of numbers of size one, n of them: their sums differ by the order they are added in.
void expect_near(const Tensor& ours, const Tensor& exact, std::int64_t n) {
  ASSERT_EQ(ours.sizes(), exact.sizes());
  const double most = 1e-6 * (10 + static_cast<double>(n));
  EXPECT_LE((ours - exact).abs().max().item<double>(), most) << ours.sizes() << " of " << n;
}

Tensor exact(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return torch::linear(x.to(torch::kFloat64), weight.to(torch::kFloat64),
                       bias.defined() ? bias.to(torch::kFloat64) : bias);
}

// A row, few rows, and as many as are worth a convolution; narrow and wide ones.
TEST(Affine, IsTheLinearLayerWhateverTheSizes) {
  torch::manual_seed(1);
  for (const std::int64_t in : {1, 7, 16, 33, 96, 895})
    for (const std::int64_t out : {1, 5, 16, 64, 3000}) {
      const Tensor weight = torch::randn({out, in});
      const Tensor bias = torch::randn({out});
      for (const Tensor& x :
           {torch::randn({1, in}), torch::randn({1, 1, in}), torch::randn({in}),
            torch::randn({in, 2}).select(1, 0), torch::randn({3, in}), torch::randn({32, in}),
            torch::randn({2, 50, in}), torch::randn({in, 77}).t()}) {
        expect_near(affine(x, weight, bias), exact(x, weight, bias), in);
        expect_near(affine(x, weight, {}), exact(x, weight, {}), in);
      }
    }
}

TEST(Affine, GivesGradients) {
  torch::manual_seed(1);
  for (const std::int64_t rows : {1, 5, 33, 100}) {
    const Tensor weight = torch::randn({48, 40}, torch::requires_grad());
    const Tensor bias = torch::randn({48}, torch::requires_grad());
    const Tensor x = torch::randn({1, rows, 40}, torch::requires_grad());
    const Tensor slope = torch::randn({1, rows, 48});
    const auto ours =
        torch::autograd::grad({(affine(x, weight, bias) * slope).sum()}, {x, weight, bias});
    const auto reference =
        torch::autograd::grad({(exact(x, weight, bias) * slope).sum()}, {x, weight, bias});
    for (std::size_t i = 0; i < ours.size(); ++i)
      expect_near(ours[i], reference[i], std::max<std::int64_t>(rows, 48));
  }
}

// A frozen matrix gets no gradient, and what is multiplied with it does.
TEST(Affine, LearnsOnlyWhatIsTrained) {
  torch::manual_seed(1);
  const Tensor weight = torch::randn({64, 64});
  const Tensor x = torch::randn({64, 64}, torch::requires_grad());
  affine(x, weight, {}).sum().backward();
  expect_near(x.grad(), weight.sum(0).expand({64, 64}), 64);
  EXPECT_FALSE(weight.grad().defined());
}

// A run that is resumed must come to the same numbers.
TEST(Affine, IsTheSameBitForBitTwice) {
  torch::manual_seed(1);
  const Tensor weight = torch::randn({300, 200});
  const Tensor x = torch::randn({150, 200});
  EXPECT_TRUE(torch::equal(affine(x, weight, {}), affine(x, weight, {})));
}

}  // namespace
}  // namespace strop::trainer
