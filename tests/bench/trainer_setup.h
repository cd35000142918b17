// What the measurements of strop-trainer share: the programs, what is trained, and how much of it.
//
// Owns a folder with what it made. One thread. Errors are exceptions.
#pragma once

#include <cstdint>
#include <string>

#include "support/temporary_folder.h"

namespace strop::bench {

struct TrainerFlags {
  std::string trainer;  // strop-trainer
  std::string python;   // with TRL; empty: strop-trainer alone is measured
  std::string base;     // model folder; empty: a random one of `shape`, which needs python
  std::string pairs;    // of `base`
  std::string shape = "qwen2.5-0.5b";
  std::string device = "cpu";
  std::string precision = "float32";  // or bfloat16
  std::int64_t prompt = 1024;         // tokens
  std::int64_t completion = 32;       // of each side
  int threads = 0;                    // 0: every core
  int micro_batch = 1;                // pairs that either computes at once
};

class TrainerSetup {
 public:
  // `scale`: how much is measured, 1 for figures to be told. REQUIRES: `python`, or `base` and
  // `pairs`.
  TrainerSetup(TrainerFlags flags, double scale);

  const TrainerFlags& flags() const { return flags_; }
  const std::string& base() const { return flags_.base; }
  const std::string& pairs() const { return flags_.pairs; }
  std::string name() const;  // of the model
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  std::int64_t pair_count() const { return pair_count_; }
  std::int64_t batch() const { return batch_; }  // pairs a step; divides pair_count
  std::int64_t epochs() const { return epochs_; }

 private:
  TrainerFlags flags_;
  support::TemporaryFolder folder_;
  std::int64_t pair_count_ = 0;
  std::int64_t batch_ = 0;
  std::int64_t epochs_ = 0;
};

}  // namespace strop::bench
