// What an adapter's dropout leaves out, when, and that a run which goes on leaves out the same.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "temporary_folder.h"
#include "tiny_model.h"
#include "trainer/loop.h"
#include "trainer/step_order.h"
#include "trainer/trainee.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

// W = 0 and A = B = 1 of rank 1: y is the sum of what is left of x.
Linear summing(std::int64_t in, double dropout) {
  Linear out("sum", torch::zeros({1, in}), {});
  const torch::NoGradGuard no_grad;
  out.add_adapter(1, 1, dropout);
  out.a().fill_(1);
  out.b().fill_(1);
  return out;
}

TEST(Dropout, LeavesOutItsShareAndKeepsTheMean) {
  constexpr std::int64_t kInputs = 100'000;
  const torch::NoGradGuard no_grad;
  Linear linear = summing(kInputs, 0.25);
  const Tensor x = torch::ones({1, kInputs});
  EXPECT_EQ(linear.forward(x, true).item<float>(), kInputs);  // not while it is only used
  linear.drop_by(at::make_generator<at::CPUGeneratorImpl>(5));
  const float first = linear.forward(x, true).item<float>();
  EXPECT_NE(first, kInputs);
  EXPECT_NEAR(first, kInputs, 5 * std::sqrt(kInputs / 3.0));
  EXPECT_NE(linear.forward(x, true).item<float>(), first);
  linear.drop_by(at::make_generator<at::CPUGeneratorImpl>(5));
  EXPECT_EQ(linear.forward(x, true).item<float>(), first);
}

Recipe recipe(double dropout, Method method) {
  Recipe out;
  out.method = method;
  out.train = {.rank = 4,
               .alpha = 8,
               .dropout = dropout,
               .learning_rate = 1e-2,
               .batch = 2,
               .shard = 1,
               .epochs = 4};
  out.train.checkpoint_every = 3;
  return out;
}

std::vector<TokenPair> pairs(const Recipe& how) {
  std::vector<TokenPair> out;
  for (TokenId i = 0; i < 4; ++i) {
    out.push_back({.prompt = {1, 2, i}, .chosen = {5, 6, i}, .rejected = {7, 6}});
    out.back().wanted = i % 2 == 0;
  }
  if (how.method == Method::kKto) set_mismatches(out, how);
  return out;
}

Tensor trained(const Recipe& how, const LoopOptions& options = {}) {
  Trainee trainee(tiny_decoder(tiny_config()), how, torch::kFloat32);
  train_pairs(trainee.model(), pairs(how), how, options);
  std::vector<Tensor> out;
  for (const Tensor& tensor : trainee.model().trainable()) out.push_back(tensor.reshape(-1));
  return torch::cat(out).detach();
}

// Of kto the drift is measured before each step: without dropout, whichever thread has drawn
// before.
class DropoutRun : public testing::TestWithParam<Method> {};

TEST_P(DropoutRun, IsTheSameWhateverTheThreadsAndWhereverItWasCut) {
  const Recipe how = recipe(0.4, GetParam());
  const Tensor one = trained(how);
  EXPECT_GT(largest_difference(one, trained(recipe(0, GetParam()))), 1e-4);
  EXPECT_EQ(largest_difference(one, trained(how, {.threads = 3})), 0);
  const TemporaryFolder folder;
  const LoopOptions options{.threads = 1, .folder = folder.path(), .fingerprint = {{"run", 1}}};
  trained(how, options);
  ASSERT_TRUE(std::filesystem::exists(folder / "checkpoint"));
  EXPECT_EQ(largest_difference(one, trained(how, options)), 0);
}

INSTANTIATE_TEST_SUITE_P(Methods, DropoutRun, testing::Values(Method::kDpo, Method::kKto),
                         [](const auto& run) { return std::string(method_name(run.param)); });

}  // namespace
}  // namespace strop::trainer
