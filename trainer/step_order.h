// Which pairs a step takes: they follow from seed and step alone, so that a run goes on anywhere.
//
// A value that remembers the order of one epoch; one thread. Units: pairs, steps. No errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trainer/data.h"
#include "trainer/recipe.h"

namespace strop::trainer {

// An epoch's pairs in a random order, unless the recipe wants that of the file, cut into steps of
// nearly the same size. Of kto the steps are the same in each epoch, cut from the pairs as they
// come, and their order is random: whose completion stands against whose prompt must not change
// (set_mismatches).
class StepOrder {
 public:
  StepOrder(std::size_t pairs, const Recipe& recipe);

  std::size_t steps_an_epoch() const { return steps_; }
  // Indices of the pairs of a step of any epoch.
  std::vector<std::size_t> pairs_of(std::int64_t step);

 private:
  void shuffle(std::size_t epoch);

  std::size_t pairs_;
  std::size_t steps_;
  std::uint64_t seed_;
  bool same_steps_;
  bool shuffle_;
  std::vector<std::size_t> order_;  // of epoch_: pairs, or steps if they are the same
  std::size_t epoch_ = 0;
};

// Steps of a run.
std::int64_t step_count(std::size_t pairs, const TrainRecipe& recipe);

// Of kto: as the rejected side each prompt gets the completion of the one before it in its step,
// the first that of the last (in a step of one, of the one before it at all). As TRL's KTOTrainer
// pairs them (2026-07): what a step is rewarded for and what tells its drift are the same texts.
void set_mismatches(std::vector<TokenPair>& examples, const Recipe& recipe);

}  // namespace strop::trainer
