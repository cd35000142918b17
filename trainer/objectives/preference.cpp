#include "trainer/objectives/preference.h"

#include <array>
#include <utility>

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr std::array kTerms{std::pair{"sigmoid", PreferenceTerm::kSigmoid},
                            std::pair{"robust", PreferenceTerm::kRobust},
                            std::pair{"hinge", PreferenceTerm::kHinge},
                            std::pair{"ipo", PreferenceTerm::kIpo},
                            std::pair{"sigmoid_norm", PreferenceTerm::kSigmoidNorm},
                            std::pair{"apo_zero", PreferenceTerm::kApoZero},
                            std::pair{"simpo", PreferenceTerm::kSimpo}};

// Where `better` is the one that was chosen.
Tensor loss_of(const PreferenceOptions& options, const Tensor& better, const Tensor& worse) {
  const Tensor margin = options.beta * (better - worse);
  switch (options.term) {
    case PreferenceTerm::kHinge:
      return torch::relu(1 - margin);
    case PreferenceTerm::kIpo:
      return (better - worse - 1 / (2 * options.beta)).square();
    case PreferenceTerm::kApoZero:
      return 1 - torch::sigmoid(options.beta * better) + torch::sigmoid(options.beta * worse);
    case PreferenceTerm::kSimpo:
      return -torch::log_sigmoid(margin - options.gamma);
    default:
      return -torch::log_sigmoid(margin);
  }
}

}  // namespace

std::string_view term_name(PreferenceTerm term) {
  for (const auto& [name, known] : kTerms)
    if (known == term) return name;
  return "";
}

std::optional<PreferenceTerm> term_by_name(std::string_view name) {
  for (const auto& [known, term] : kTerms)
    if (known == name) return term;
  return std::nullopt;
}

PairLogProbs rewards(const PairLogProbs& policy, const PairLogProbs& reference, double beta) {
  return {beta * (policy.chosen - reference.chosen), beta * (policy.rejected - reference.rejected)};
}

PairLogProbs compared_sides(const PreferenceOptions& options, const PairLogProbs& policy,
                            const PairLogProbs& reference, const PairLengths& lengths) {
  const auto by_length = [&lengths](const PairLogProbs& sums) {
    return PairLogProbs{sums.chosen / lengths.chosen, sums.rejected / lengths.rejected};
  };
  switch (options.term) {
    case PreferenceTerm::kSimpo:
      return by_length(policy);
    case PreferenceTerm::kIpo:
    case PreferenceTerm::kSigmoidNorm:
      return by_length(rewards(policy, reference, 1));
    default:
      return rewards(policy, reference, 1);
  }
}

Tensor preference_loss(const PreferenceOptions& options, const PairLogProbs& policy,
                       const PairLogProbs& reference, const PairLengths& lengths,
                       const Tensor& epsilon) {
  const PairLogProbs sides = compared_sides(options, policy, reference, lengths);
  const Tensor right = loss_of(options, sides.chosen, sides.rejected);
  const Tensor wrong = loss_of(options, sides.rejected, sides.chosen);
  if (options.term == PreferenceTerm::kRobust)
    return ((1 - epsilon) * right - epsilon * wrong) / (1 - 2 * epsilon);
  return (1 - epsilon) * right + epsilon * wrong;
}

}  // namespace strop::trainer
