#include "trainer/pair_terms.h"

#include <algorithm>
#include <cmath>

#include "trainer/objectives/preference.h"
#include "trainer/objectives/unpaired.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

bool is_compared(Method method, const TokenPair& pair) {
  return method != Method::kDpo || pair.compares;
}
bool tells_chosen(Method method, const TokenPair& pair) {
  return is_compared(method, pair) && pair.wanted;
}
bool tells_rejected(Method method, const TokenPair& pair) {
  return method == Method::kKto ? !pair.wanted : is_compared(method, pair);
}

// Of each pair, where the scores are.
template <class Value>
Tensor column(const std::vector<const TokenPair*>& pairs, const PairScores& scores, Value value) {
  std::vector<double> values;
  for (const TokenPair* pair : pairs) values.push_back(static_cast<double>(value(*pair)));
  return torch::tensor(values, torch::kFloat32).to(scores.chosen_nll.device());
}

double total(const Tensor& values) { return values.detach().sum(torch::kFloat64).item<double>(); }

// What the preference term is of each pair, and by what its rewards and its accuracy are told.
struct Preference {
  Tensor term;
  PairLogProbs reward;  // of kto both sides are the example's own
  Tensor right;         // 1 where what is compared is as it should be
};

Preference preference_of(const Recipe& recipe, const std::vector<const TokenPair*>& pairs,
                         const PairScores& scores, const PairReference& reference, double z) {
  const ObjectiveRecipe& objective = recipe.objective;
  const Tensor epsilon = column(pairs, scores, [](const TokenPair& pair) { return pair.epsilon; });
  if (recipe.method == Method::kKto) {
    const Tensor wanted = column(pairs, scores, [](const TokenPair& pair) { return pair.wanted; });
    const Tensor above = scores.log_probs.chosen - reference.log_probs.chosen;
    return {unpaired_loss({objective.beta, objective.desirable, objective.undesirable},
                          scores.log_probs.chosen, reference.log_probs.chosen, z, wanted, epsilon),
            {objective.beta * above, objective.beta * above},
            torch::where(wanted > 0, above > z, above < z)};
  }
  const PreferenceOptions options{objective.term, objective.beta, objective.gamma};
  const PairLogProbs sides =
      compared_sides(options, scores.log_probs, reference.log_probs, scores.lengths);
  return {preference_loss(options, scores.log_probs, reference.log_probs, scores.lengths, epsilon),
          rewards(scores.log_probs, reference.log_probs, objective.beta),
          sides.chosen > sides.rejected};
}

double mean(double sum, double count) { return count > 0 ? sum / count : std::nan(""); }

}  // namespace

void StepTotals::add(Method method, const TokenPair& pair) {
  pairs += 1;
  weight += pair.weight;
  if (pair.wanted) {
    wanted += 1;
    wanted_weight += pair.weight;
  }
  if (is_compared(method, pair)) {
    compared += 1;
    compared_weight += pair.weight;
  }
  chosen += tells_chosen(method, pair) ? 1 : 0;
  rejected += tells_rejected(method, pair) ? 1 : 0;
}

PairTerms pair_terms(const Recipe& recipe, const std::vector<const TokenPair*>& pairs,
                     const PairScores& scores, const PairReference& reference,
                     const StepTotals& totals, double z) {
  const ObjectiveRecipe& objective = recipe.objective;
  const Method method = recipe.method;
  const Tensor weight = column(pairs, scores, [](const TokenPair& pair) { return pair.weight; });
  const Tensor wanted = column(pairs, scores, [](const TokenPair& pair) { return pair.wanted; });
  const Tensor chosen =
      column(pairs, scores, [&](const TokenPair& pair) { return tells_chosen(method, pair); });
  PairTerms out;
  const auto add = [&](double share, const Tensor& values, double count) {
    const Tensor part = (weight * values).sum();
    const Tensor scaled = share / std::max(1.0, count) * part;
    out.loss = out.loss.defined() ? out.loss + scaled : scaled;
    return part.detach().item<double>();
  };
  out.sums.likelihood = add(objective.likelihood, wanted * scores.chosen_nll, totals.wanted);
  out.sums.logp_chosen = total(chosen * scores.log_probs.chosen);
  if (objective.prompt > 0)
    out.sums.prompt = add(objective.prompt, scores.prompt_nll, totals.pairs);
  if (method == Method::kSft) return out;

  const Tensor compared =
      column(pairs, scores, [&](const TokenPair& pair) { return is_compared(method, pair); });
  const Tensor rejected =
      column(pairs, scores, [&](const TokenPair& pair) { return tells_rejected(method, pair); });
  const Preference preference = preference_of(recipe, pairs, scores, reference, z);
  out.sums.preference = add(objective.preference, compared * preference.term, totals.compared);
  out.sums.logp_rejected = total(
      rejected * (method == Method::kKto ? scores.log_probs.chosen : scores.log_probs.rejected));
  out.sums.reward_chosen = total(chosen * preference.reward.chosen);
  out.sums.reward_rejected = total(rejected * preference.reward.rejected);
  out.sums.accuracy = total(compared * preference.right);
  out.sums.chosen_gain = total(wanted * (reference.chosen_nll - scores.chosen_nll));
  if (method == Method::kDpo)
    for (const TokenPair* pair : pairs)
      out.sums.length_ratio +=
          static_cast<double>(pair->chosen.size()) / static_cast<double>(pair->rejected.size());
  return out;
}

StepMeasures step_measures(const Recipe& recipe, const StepMeasures& sums,
                           const StepTotals& totals) {
  StepMeasures out = sums;
  out.likelihood = mean(sums.likelihood, totals.wanted_weight);
  out.prompt = mean(sums.prompt, totals.weight);
  out.preference = mean(sums.preference, totals.compared_weight);
  out.logp_chosen = mean(sums.logp_chosen, totals.chosen);
  out.reward_chosen = mean(sums.reward_chosen, totals.chosen);
  out.logp_rejected = mean(sums.logp_rejected, totals.rejected);
  out.reward_rejected = mean(sums.reward_rejected, totals.rejected);
  out.accuracy = mean(sums.accuracy, totals.compared);
  out.chosen_gain = mean(sums.chosen_gain, totals.wanted);
  out.length_ratio = mean(sums.length_ratio, totals.pairs);
  out.compared = mean(totals.compared, totals.pairs);
  // A term of which the step has nothing is no part of the loss.
  const ObjectiveRecipe& objective = recipe.objective;
  out.loss = objective.prompt * out.prompt;
  if (totals.wanted > 0) out.loss += objective.likelihood * out.likelihood;
  if (totals.compared > 0) out.loss += objective.preference * out.preference;
  return out;
}

}  // namespace strop::trainer
