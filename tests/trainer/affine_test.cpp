// However it is computed, it is the linear layer that LibTorch computes, and learns as that does.
#include "trainer/model/affine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "trainer/threads.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

// Sums of n products of numbers of size one, which differ by the order they are added in.
void expect_near(const Tensor& ours, const Tensor& exact, std::int64_t n) {
  ASSERT_EQ(ours.sizes(), exact.sizes());
  if (ours.numel() == 0) return;
  const double most = 1e-5 * std::sqrt(static_cast<double>(n));
  EXPECT_LE((ours - exact).abs().max().item<double>(), most) << ours.sizes() << " of " << n;
}

Tensor exact(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return torch::linear(x.to(torch::kFloat64), weight.to(torch::kFloat64),
                       bias.defined() ? bias.to(torch::kFloat64) : bias);
}

// A row, few rows, and as many as are worth a convolution; narrow and wide ones.
TEST(Affine, IsTheLinearLayerWhateverTheSizes) {
  torch::manual_seed(1);
  for (const std::int64_t in : {1, 7, 16, 32, 33, 64, 96, 895})
    for (const std::int64_t out : {1, 5, 16, 64, 3000}) {
      const Tensor weight = torch::randn({out, in});
      const Tensor bias = torch::randn({out});
      for (const Tensor& x : {torch::randn({1, in}), torch::randn({1, 1, in}), torch::randn({in}),
                              torch::randn({in, 2}).select(1, 0), torch::randn({3, in}),
                              torch::randn({31, in}), torch::randn({32, in}), torch::randn({0, in}),
                              torch::randn({2, 50, in}), torch::randn({in, 77}).t()}) {
        expect_near(affine(x, weight, bias), exact(x, weight, bias), in);
        expect_near(affine(x, weight, {}), exact(x, weight, {}), in);
      }
    }
}

// As a token of a model in bfloat16 is computed: its row and the result are rounded, the sum is
// not.
TEST(Affine, OfARowInBfloat16IsRoundedOnce) {
  torch::manual_seed(1);
  for (const std::int64_t in : {1, 7, 16, 63, 64, 96, 895}) {
    const Tensor weight = torch::randn({3000, in}).to(torch::kBFloat16);
    const Tensor x = torch::randn({1, in}).to(torch::kBFloat16);
    const Tensor y = affine(x, weight, {});
    ASSERT_EQ(y.scalar_type(), torch::kBFloat16);
    const Tensor wanted = exact(x, weight, {});
    const Tensor wrong = (y.to(torch::kFloat64) - wanted).abs() - wanted.abs() / 256;
    EXPECT_LE(wrong.max().item<double>(), 1e-5 * std::sqrt(static_cast<double>(in))) << in;
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

// A frozen matrix gets no gradient, and what is multiplied with it does; or the other way about.
TEST(Affine, LearnsOnlyWhatIsTrained) {
  torch::manual_seed(1);
  const Tensor frozen = torch::randn({64, 64});
  const Tensor trained = torch::randn({64, 64}, torch::requires_grad());
  affine(trained, frozen, {}).sum().backward();
  expect_near(trained.grad(), frozen.sum(0).expand({64, 64}), 64);
  EXPECT_FALSE(frozen.grad().defined());
  trained.mutable_grad() = Tensor();
  affine(frozen, trained, {}).sum().backward();
  expect_near(trained.grad(), frozen.sum(0).expand({64, 64}), 64);
}

// As it is served.
TEST(Affine, NeedsNoAutograd) {
  const c10::InferenceMode inference;
  const Tensor weight = torch::randn({64, 40});
  const Tensor bias = torch::randn({64});
  const Tensor x = torch::randn({2, 50, 40});
  expect_near(affine(x, weight, bias), exact(x, weight, bias), 40);
}

TEST(Affine, RefusesWhatDoesNotFit) {
  for (const std::int64_t rows : {1, 5, 100})
    EXPECT_THROW(affine(torch::zeros({rows, 40}), torch::zeros({64, 39}), {}), c10::Error) << rows;
}

// A run that is resumed must come to the same numbers, and a shard's thread to what another would.
TEST(Affine, IsTheSameBitForBitOnEveryThread) {
  torch::manual_seed(1);
  const Tensor weight = torch::randn({300, 200}, torch::requires_grad());
  const Tensor x = torch::randn({150, 200});
  const auto computed = [&] {
    const Tensor y = affine(x, weight, {});
    return std::vector{y, torch::autograd::grad({y.square().sum()}, {weight})[0]};
  };
  const int operator_threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto here = computed();
  std::vector<std::vector<Tensor>> there(4);
  std::vector<std::thread> threads;
  for (auto& results : there)
    threads.emplace_back([&] {
      prepare_compute_thread();
      results = computed();
    });
  for (std::thread& thread : threads) thread.join();
  at::set_num_threads(operator_threads);
  for (const auto& results : there)
    for (std::size_t i = 0; i < here.size(); ++i) EXPECT_TRUE(torch::equal(results[i], here[i]));
}

}  // namespace
}  // namespace strop::trainer
