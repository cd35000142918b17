#include "trainer/step_order.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace strop::trainer {
namespace {

std::size_t steps_of(std::size_t pairs, std::int64_t batch) {
  const auto size = static_cast<std::size_t>(batch);
  return (pairs + size - 1) / size;
}

// The first pair of the step `index` of `steps`.
std::size_t begin_of(std::size_t index, std::size_t pairs, std::size_t steps) {
  return pairs * index / steps;
}

}  // namespace

StepOrder::StepOrder(std::size_t pairs, const Recipe& recipe)
    : pairs_(pairs),
      steps_(steps_of(pairs, recipe.train.batch)),
      seed_(recipe.train.seed),
      same_steps_(recipe.method == Method::kKto),
      shuffle_(recipe.train.shuffle) {}

void StepOrder::shuffle(std::size_t epoch) {
  epoch_ = epoch;
  order_.resize(same_steps_ ? steps_ : pairs_);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::mt19937_64 random(seed_ * 7919 + epoch);
  if (shuffle_) std::shuffle(order_.begin(), order_.end(), random);
}

std::vector<std::size_t> StepOrder::pairs_of(std::int64_t step) {
  const auto epoch = static_cast<std::size_t>(step) / steps_;
  auto index = static_cast<std::size_t>(step) % steps_;
  if (order_.empty() || epoch != epoch_) shuffle(epoch);
  if (same_steps_) index = order_[index];
  std::vector<std::size_t> out(begin_of(index + 1, pairs_, steps_) -
                               begin_of(index, pairs_, steps_));
  std::iota(out.begin(), out.end(), begin_of(index, pairs_, steps_));
  if (!same_steps_)
    for (std::size_t& pair : out) pair = order_[pair];
  return out;
}

std::int64_t step_count(std::size_t pairs, const TrainRecipe& recipe) {
  return static_cast<std::int64_t>(steps_of(pairs, recipe.batch)) * recipe.epochs;
}

void set_mismatches(std::vector<TokenPair>& examples, const Recipe& recipe) {
  const std::size_t count = examples.size();
  const std::size_t steps = steps_of(count, recipe.train.batch);
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t begin = begin_of(step, count, steps);
    const std::size_t size = begin_of(step + 1, count, steps) - begin;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t before =
          size == 1 ? (begin + count - 1) % count : begin + (i + size - 1) % size;
      examples[begin + i].rejected = examples[before].chosen;
    }
  }
}

}  // namespace strop::trainer
