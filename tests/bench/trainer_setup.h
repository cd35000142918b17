// What the measurements of strop-trainer share: the programs, what they work on, and how much of
// it.
//
// Owns a folder with what it made, each at the first call that asks for it. One thread. Errors are
// exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace strop::bench {

struct TrainerFlags {
  std::string trainer;  // strop-trainer
  std::string python;   // with what it is compared with; empty: strop-trainer alone is measured
  std::string base;     // model folder; empty: a random one of `shape`, which needs python
  std::string pairs;    // of `base`
  std::string shape = "qwen2.5-0.5b";
  std::string device = "cpu";
  std::string precision;         // float32 or bfloat16, of training; empty: one after the other
  std::int64_t prompt = 1024;    // tokens
  std::int64_t completion = 32;  // of each side
  int threads = 0;               // 0: every core
  int micro_batch = 1;           // pairs at once, of strop-trainer and of TRL at its best
  double peak = 0;               // TFLOP/s of the device by its maker; 0: not told

  bool on_gpu() const { return device != "cpu"; }
};

class TrainerSetup {
 public:
  // `scale`: how much is measured, 1 for figures to be told. REQUIRES: `python`, or `base` and
  // `pairs`.
  TrainerSetup(TrainerFlags flags, double scale);

  const TrainerFlags& flags() const { return flags_; }
  bool has_peers() const { return !flags_.python.empty(); }
  double scale() const { return scale_; }
  std::string name() const;  // of the model
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  // To be measured: what was asked for, else both; bfloat16 not where it comes out wrong and is
  // refused, which stderr then says.
  std::vector<std::string> precisions() const;

  // A model and what it is trained on.
  struct Training {
    std::string base;
    std::string pairs;
    std::int64_t pair_count = 0;
    std::int64_t batch = 0;  // pairs a step; divides pair_count
    std::int64_t epochs = 0;
  };
  const Training& training() const;

  // Text files, and a tokenizer for them: one that was trained on them, or the base's.
  struct Texts {
    std::string folder;
    std::string tokenizer;  // file or model folder
  };
  const Texts& texts() const;

  // Runs a script of peers/ in the Python. REQUIRES: has_peers().
  void run_script(const std::string& name, const std::vector<std::string>& arguments) const;

 private:
  Training make_training() const;
  Texts make_texts() const;

  const TrainerFlags flags_;
  const double scale_;
  const support::TemporaryFolder folder_;
  mutable std::optional<Training> training_;
  mutable std::optional<Texts> texts_;
};

// Of the calling thread.
double thread_cpu_seconds();

}  // namespace strop::bench
