// What is to be done to a stream for one batch, decided before anything is written.
//
// Pure: a function of what stands there and of the batch. The entries of the plan point into the
// batch, which must outlive it. No errors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/store/store.h"

namespace strop::collector {

// One row of a stream: an event, a gap or a dead letter.
struct Standing {
  std::uint64_t span = 1;
  bool gap = false;
  std::string hash;
};
using Standings = std::map<std::uint64_t, Standing>;  // by first sequence number; none overlap

struct BatchPlan {
  BatchResult result;  // `erased` is what was planned on; the store counts what went
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  // All that the entry stands for, or of a gap what nothing else stands at.
  struct Row {
    const Entry* entry = nullptr;
    std::uint64_t seq = 0;
    std::uint32_t span = 1;
  };
  std::vector<Range> erase;  // first of all; then
  std::vector<Range> found;  // no longer lost; then
  std::vector<Row> insert;
};

// `through`: the stream's end. `standing`: what stands at the batch's numbers up to there; it is
// brought up to date with the plan, if there is anything to do.
BatchPlan plan_batch(const PendingBatch& batch, std::uint64_t through, Standings& standing);

// Whatever stood at the numbers up to `through` is erased, and stays so.
inline void add_expired(Standings& standing, std::uint64_t through) {
  if (through > 0) standing[1] = {through, true, {}};
}

// The last number that the batch speaks of. REQUIRES: it has entries.
std::uint64_t last_of(const PendingBatch& batch);

}  // namespace strop::collector
