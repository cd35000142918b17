// One run of `strop-trainer dpo` as the benchmark has them, and what came of it.
//
// Functions and values; one thread. Errors are exceptions: a run that fails, a file that is not
// there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/trainer_setup.h"

namespace strop::bench {

// What the recipe and its peers have in common. TRL's DPO is the preference term alone; the
// schedule is constant in both.
struct DpoNumbers {
  int seed = 1;
  int rank = 16;
  int alpha = 32;
  double rate = 2e-4;
  double beta = 0.1;
  double clip = 1;
};

struct DpoRun {
  std::string base;
  std::string pairs;
  std::string precision = "float32";
  std::int64_t context = 0;  // tokens of a prompt and a completion
  std::int64_t batch = 1;    // pairs a step
  std::int64_t shard = 1;    // pairs at once
  std::int64_t epochs = 1;
  int threads = 0;
};

struct Trained {
  double pairs = 0;    // times epochs
  double seconds = 0;  // of all that counts
  double processor_seconds = 0;
  double peak_mib = 0;
  std::vector<double> losses;  // by step
  // Of the steps alone, of the reference before them, and of reading the pairs; of a peer not
  // known.
  double training_seconds = 0;
  double reference_seconds = 0;
  double data_seconds = 0;

  double pairs_a_second() const { return pairs / seconds; }
};

// `seconds` is of the whole process, with loading and writing.
Trained train_with_strop(const TrainerSetup& setup, const DpoRun& run);

}  // namespace strop::bench
