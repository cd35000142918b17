// AdamW against a loop over plain numbers, schedules by value, clipping, and state that comes back.
#include "trainer/optim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace strop::trainer {
namespace {

using testing::HasSubstr;
using torch::Tensor;

Tensor gradient_of(const Tensor& parameter, int step) {
  torch::manual_seed(100 + static_cast<std::uint64_t>(step));
  return torch::randn(parameter.sizes());
}

TEST(AdamW, EqualsALoopOverNumbers) {
  const AdamWOptions options{.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1};
  torch::manual_seed(1);
  Tensor parameter = torch::randn({3, 4}).set_requires_grad(true);
  std::vector<double> x(12);
  std::vector<double> m(12);
  std::vector<double> v(12);
  for (std::size_t i = 0; i < 12; ++i)
    x[i] = parameter.detach().flatten()[static_cast<std::int64_t>(i)].item<double>();
  AdamW optimizer({parameter}, options);
  for (int step = 1; step <= 20; ++step) {
    const double rate = 0.01 * step;
    const Tensor gradient = gradient_of(parameter, step);
    parameter.mutable_grad() = gradient;
    optimizer.step(rate);
    for (std::size_t i = 0; i < 12; ++i) {
      const double g = gradient.flatten()[static_cast<std::int64_t>(i)].item<double>();
      m[i] = options.beta1 * m[i] + (1 - options.beta1) * g;
      v[i] = options.beta2 * v[i] + (1 - options.beta2) * g * g;
      const double m_hat = m[i] / (1 - std::pow(options.beta1, step));
      const double v_hat = v[i] / (1 - std::pow(options.beta2, step));
      x[i] -= rate * options.weight_decay * x[i];
      x[i] -= rate * m_hat / (std::sqrt(v_hat) + options.eps);
    }
  }
  for (std::size_t i = 0; i < 12; ++i)
    EXPECT_NEAR(parameter.detach().flatten()[static_cast<std::int64_t>(i)].item<double>(), x[i],
                1e-5);
}

// As many numbers as are computed at once, twice, with one between them that has no gradient.
TEST(AdamW, StepsManyParametersAsEachAlone) {
  const AdamWOptions options{.weight_decay = 0.1};
  const auto parameters = [] {
    std::vector<Tensor> out;
    for (const std::int64_t rows : {4100, 2, 3, 4100})
      out.push_back(torch::full({rows, rows == 4100 ? 4100 : 2}, 0.5).set_requires_grad(true));
    for (const std::size_t i : {0, 1, 3})
      out[i].mutable_grad() = torch::full_like(out[i], 0.25 * static_cast<double>(i + 1)).detach();
    return out;
  };
  const std::vector<Tensor> together = parameters();
  AdamW all(together, options);
  all.step(0.1);
  const std::vector<Tensor> apart = parameters();
  for (std::size_t i = 0; i < apart.size(); ++i) {
    AdamW({apart[i]}, options).step(0.1);
    EXPECT_TRUE(torch::equal(together[i], apart[i])) << i;
  }
}

// Sixty-seven million ones: one after another in float32 they would stop counting.
TEST(AdamW, TheNormOfALargeGradientIsWhole) {
  Tensor large = torch::zeros({1 << 13, 1 << 13}).set_requires_grad(true);
  AdamW optimizer({large}, {});
  large.mutable_grad() = torch::ones({1 << 13, 1 << 13});
  EXPECT_NEAR(optimizer.clip(0), 1 << 13, 1e-3);
}

TEST(AdamW, DecaysMatricesAndSparesVectors) {
  Tensor matrix = torch::ones({2, 2}).set_requires_grad(true);
  Tensor vector = torch::ones({2}).set_requires_grad(true);
  AdamW optimizer({matrix, vector}, {.weight_decay = 0.5});
  matrix.mutable_grad() = torch::zeros({2, 2});
  vector.mutable_grad() = torch::zeros({2});
  optimizer.step(0.1);
  EXPECT_TRUE(torch::allclose(matrix, torch::full({2, 2}, 0.95)));
  EXPECT_TRUE(torch::equal(vector.detach(), torch::ones({2})));
}

TEST(AdamW, LeavesAParameterWithoutGradientAlone) {
  Tensor used = torch::ones({2, 2}).set_requires_grad(true);
  Tensor unused = torch::ones({2, 2}).set_requires_grad(true);
  AdamW optimizer({used, unused}, {.weight_decay = 0.5});
  used.mutable_grad() = torch::ones({2, 2});
  optimizer.step(0.1);
  EXPECT_TRUE(torch::equal(unused.detach(), torch::ones({2, 2})));
  optimizer.zero_grad();
  EXPECT_FALSE(used.grad().defined());
}

TEST(AdamW, ClipsTheJointNormAndReturnsTheOneBefore) {
  Tensor a = torch::zeros({1}).set_requires_grad(true);
  Tensor b = torch::zeros({1}).set_requires_grad(true);
  AdamW optimizer({a, b}, {});
  const auto set = [&] {
    a.mutable_grad() = torch::tensor({3.0F});
    b.mutable_grad() = torch::tensor({4.0F});
  };
  set();
  EXPECT_DOUBLE_EQ(optimizer.clip(1), 5);
  EXPECT_NEAR(a.grad().item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(b.grad().item<double>(), 0.8, 1e-6);
  set();
  EXPECT_DOUBLE_EQ(optimizer.clip(6), 5);
  EXPECT_DOUBLE_EQ(optimizer.clip(0), 5);
  EXPECT_EQ(a.grad().item<double>(), 3);
}

TEST(AdamW, GoesOnFromItsStateBitForBit) {
  const auto run = [](int from, int to, Tensor& parameter, AdamW& optimizer) {
    for (int step = from; step < to; ++step) {
      parameter.mutable_grad() = gradient_of(parameter, step);
      optimizer.step(0.01);
    }
  };
  Tensor whole = torch::ones({5, 3}).set_requires_grad(true);
  AdamW uninterrupted({whole}, {.weight_decay = 0.1});
  run(0, 10, whole, uninterrupted);

  Tensor first = torch::ones({5, 3}).set_requires_grad(true);
  AdamW before({first}, {.weight_decay = 0.1});
  run(0, 6, first, before);
  Tensor second = first.detach().clone().set_requires_grad(true);
  AdamW after({second}, {.weight_decay = 0.1});
  after.restore(before.state());
  run(6, 10, second, after);
  EXPECT_TRUE(torch::equal(second.detach(), whole.detach()));
}

TEST(AdamW, RefusesAnothersState) {
  Tensor one = torch::ones({2}).set_requires_grad(true);
  Tensor other = torch::ones({3}).set_requires_grad(true);
  AdamW optimizer({one}, {});
  for (const NamedTensors& state : {AdamW({other}, {}).state(), NamedTensors()}) {
    try {
      optimizer.restore(state);
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("'m.0' does not fit"));
    }
  }
}

TEST(AdamW, RefusesAStateOfStepsBelowNone) {
  Tensor one = torch::ones({2}).set_requires_grad(true);
  AdamW optimizer({one}, {});
  NamedTensors state = optimizer.state();
  state["step"] = torch::tensor({-5}, torch::kInt64);
  EXPECT_THROW(optimizer.restore(state), std::runtime_error);
}

TEST(Schedule, WarmsUpThenFollowsItsShape) {
  struct Row {
    Schedule schedule;
    std::int64_t step;
    double factor;
  };
  // 4 steps of warm-up, 104 in all, floor 0.1.
  const Row kRows[] = {
      {Schedule::kCosine, 0, 0.25},
      {Schedule::kCosine, 3, 1},
      {Schedule::kCosine, 4, 1},
      {Schedule::kCosine, 54, 0.55},
      {Schedule::kCosine, 104, 0.1},
      {Schedule::kCosine, 500, 0.1},
      {Schedule::kCosine, 29, 0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5))},
      {Schedule::kLinear, 1, 0.5},
      {Schedule::kLinear, 29, 0.775},
      {Schedule::kLinear, 104, 0.1},
      {Schedule::kConstant, 0, 0.25},
      {Schedule::kConstant, 60, 1},
  };
  for (const Row& row : kRows)
    EXPECT_NEAR(schedule_factor(row.schedule, row.step, 4, 104, 0.1), row.factor, 1e-12)
        << row.step;
  EXPECT_EQ(schedule_factor(Schedule::kCosine, 0, 0, 10, 0), 1);
}

TEST(Schedule, IsFoundByName) {
  EXPECT_EQ(schedule_by_name("cosine"), Schedule::kCosine);
  EXPECT_EQ(schedule_by_name("linear"), Schedule::kLinear);
  EXPECT_EQ(schedule_by_name("constant"), Schedule::kConstant);
  EXPECT_EQ(schedule_by_name("polynomial"), std::nullopt);
}

}  // namespace
}  // namespace strop::trainer
