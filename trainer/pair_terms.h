// The loss of some of a step's pairs, from what the policy and the reference make of them, and what
// is measured of it.
//
// Pure functions, differentiable; any thread. Shapes: N pairs, tensors are [N]. Each term is the
// mean over the step's pairs that it is about: the preference over those that have anything to
// compare, the likelihood over what was wanted, the prompt's over all. Parts of a step add up to
// the step, whatever the parts. Units and names of measures: history.h. No errors.
#pragma once

#include <vector>

#include "trainer/data.h"
#include "trainer/history.h"
#include "trainer/pair_batch.h"
#include "trainer/recipe.h"
#include "trainer/torch.h"

namespace strop::trainer {

// How many pairs of a whole step each measure is about, and their summed weights.
struct StepTotals {
  double pairs = 0;
  double weight = 0;
  double wanted = 0;  // what the likelihood is about
  double wanted_weight = 0;
  double compared = 0;  // what the preference is about
  double compared_weight = 0;
  double chosen = 0;  // of which the rewards of the chosen are told, and so on
  double rejected = 0;

  void add(Method method, const TokenPair& pair);
};

// As score_pairs has it of the policy.
struct PairReference {
  PairLogProbs log_probs;
  torch::Tensor chosen_nll;
};

struct PairTerms {
  torch::Tensor loss;  // a number: these pairs' part of the step's loss
  StepMeasures sums;   // over these pairs
};

// `z`: the reference point of kto. `reference` is not looked at in sft.
PairTerms pair_terms(const Recipe& recipe, const std::vector<const TokenPair*>& pairs,
                     const PairScores& scores, const PairReference& reference,
                     const StepTotals& totals, double z);

// From the sums over a whole step to its measures.
StepMeasures step_measures(const Recipe& recipe, const StepMeasures& sums,
                           const StepTotals& totals);

}  // namespace strop::trainer
