// A row by a matrix is what LibTorch's product of matrices makes of it, and learns as that does.
#include "trainer/model/row_product.h"

#include <gtest/gtest.h>

namespace strop::trainer {
namespace {

using torch::Tensor;

void expect_near(const Tensor& ours, const Tensor& reference) {
  ASSERT_EQ(ours.sizes(), reference.sizes());
  EXPECT_TRUE(torch::allclose(ours, reference, 1e-5, 1e-4)) << (ours - reference).abs().max();
}

TEST(RowProduct, IsTheLinearLayerWhateverTheSizes) {
  torch::manual_seed(1);
  for (const std::int64_t in : {1, 7, 32, 33, 96, 895})
    for (const std::int64_t out : {1, 5, 64, 3000}) {
      const Tensor weight = torch::randn({out, in});
      const Tensor bias = torch::randn({out});
      for (const Tensor& x : {torch::randn({1, in}), torch::randn({1, 1, in}), torch::randn({in}),
                              torch::randn({in, 2}).select(1, 0), torch::randn({3, in})}) {
        expect_near(row_product(x, weight, bias), torch::linear(x, weight, bias));
        expect_near(row_product(x, weight, {}), torch::linear(x, weight));
      }
    }
}

TEST(RowProduct, GivesGradients) {
  torch::manual_seed(1);
  const Tensor weight = torch::randn({5, 40}, torch::requires_grad());
  const Tensor x = torch::randn({1, 40}, torch::requires_grad());
  const auto ours = torch::autograd::grad({row_product(x, weight, {}).sum()}, {x, weight});
  const auto reference = torch::autograd::grad({torch::linear(x, weight).sum()}, {x, weight});
  for (std::size_t i = 0; i < ours.size(); ++i) expect_near(ours[i], reference[i]);
}

}  // namespace
}  // namespace strop::trainer
