// The preference terms: the numbers of the published case, and gradients against slopes in fp64.
#include <gtest/gtest.h>

#include <cmath>

#include "../tiny_model.h"
#include "table.h"
#include "trainer/objectives/preference.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

Tensor doubles(const std::vector<double>& values) { return torch::tensor(values, torch::kFloat64); }

const PairLogProbs& policy() {
  static const PairLogProbs value{doubles({-.5, -10, -1}), doubles({-.1, -30, -21})};
  return value;
}
const PairLogProbs& reference() {
  static const PairLogProbs value{doubles({-.5, -10.1, -.1}), doubles({-.1, -20.1, -.1})};
  return value;
}
const PairLengths& lengths() {
  static const PairLengths value{doubles({1, 4, 2}), doubles({2, 5, 10})};
  return value;
}

TEST(Losses, AreTheReferences) {
  const auto hold = [](PreferenceTerm term, const std::vector<double>& wanted, double bound) {
    const Tensor loss =
        preference_loss({.term = term}, policy(), reference(), lengths(), torch::zeros({3}));
    expect_parity(
        {"1 losses", "three pairs, " + std::string(term_name(term)), "the published case"},
        largest_difference(loss, doubles(wanted)), bound);
  };
  hold(PreferenceTerm::kSigmoid, {0.693147, 0.313262, 0.126928}, 1e-6);
  hold(PreferenceTerm::kHinge, {1, 0, 0}, 1e-6);
}

// Of both sides, by central differences; no point is at the hinge's corner.
double slope_error(const PreferenceOptions& options) {
  const PairLogProbs around{doubles({-2, -4, -1}), doubles({-3, -3, -9})};
  const Tensor at = torch::stack({doubles({-1, -5.2, -2}), doubles({-2.5, -6, -3})});
  const auto loss = [&](const Tensor& x) {
    return preference_loss(options, {x[0], x[1]}, around, lengths(), doubles({0, .2, .4})).sum();
  };
  Tensor x = at.clone().set_requires_grad(true);
  loss(x).backward();
  constexpr double kStep = 1e-6;
  double out = 0;
  for (std::int64_t i = 0; i < at.numel(); ++i) {
    const auto shifted = [&](double by) {
      Tensor moved = at.clone();
      moved.view(-1)[i] += by;
      return loss(moved).item<double>();
    };
    const double slope = (shifted(kStep) - shifted(-kStep)) / (2 * kStep);
    out = std::max(out, std::abs(x.grad().view(-1)[i].item<double>() - slope));
  }
  return out;
}

TEST(Losses, GradientsAreSlopes) {
  for (const PreferenceTerm term :
       {PreferenceTerm::kSigmoid, PreferenceTerm::kRobust, PreferenceTerm::kHinge,
        PreferenceTerm::kIpo, PreferenceTerm::kSigmoidNorm, PreferenceTerm::kApoZero,
        PreferenceTerm::kSimpo})
    expect_parity({"1 losses", "gradient, " + std::string(term_name(term)), "differences in fp64"},
                  slope_error({.term = term, .beta = 0.5, .gamma = 0.7}), 1e-6);
}

}  // namespace
}  // namespace strop::trainer
