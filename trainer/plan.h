// What a run will take, before it is run: parameters, work, memory, time.
//
// Values and free functions; main thread. Units: FLOP (a multiplication and an addition are two),
// bytes, seconds. The work is what this trainer computes where no prompt is another pair's too and
// no reference score is known; the memory is an estimate of its greatest parts (of one run of
// models/strop-tiny it said three quarters). Errors: measured_seconds throws what a run would.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trainer/data.h"
#include "trainer/model/config.h"
#include "trainer/recipe.h"

namespace strop::trainer {

struct Plan {
  std::int64_t parameters = 0;
  std::int64_t trained = 0;  // of them, or of the adapter
  std::size_t pairs = 0;
  double prompt_tokens = 0;  // means over the pairs
  double chosen_tokens = 0;
  double rejected_tokens = 0;
  std::int64_t longest = 0;  // tokens of the longest pair
  std::int64_t steps = 0;
  double flop = 0;            // of the whole run
  double reference_flop = 0;  // of it, before the first step
  double heldout_flop = 0;    // of it, for [evaluate], their reference included
  double memory = 0;
  double available = 0;           // here now, what we have counted in; 0: not known
  std::optional<double> seconds;  // if it was measured

  bool fits() const { return memory <= available || available == 0; }
};

// Bytes; 0: not known.
struct MemoryNow {
  double available = 0;  // that programs can have without swapping
  double resident = 0;   // that this one has already
};
MemoryNow memory_now(const std::string& meminfo = "/proc/meminfo");

// Of `data` the pairs that are learnt from, and the held-out ones.
Plan make_plan(const Recipe& recipe, const ModelConfig& config, const TokenPairs& data, int threads,
               torch::ScalarType type, const MemoryNow& now);

// Seconds of the planned run, from training on a few of its pairs here and now; nothing is written.
double measured_seconds(const Recipe& recipe, const std::vector<TokenPair>& pairs, const Plan& plan,
                        int threads, const Tokenizer& tokenizer, torch::Device device);

nlohmann::json plan_to_json(const Plan& plan);

}  // namespace strop::trainer
