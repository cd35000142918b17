#include "bench/trainer_setup.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "bench/timed_program.h"

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kPairs = 24;
constexpr std::int64_t kBatch = 8;
constexpr std::int64_t kEpochs = 3;

std::int64_t count_lines(const std::string& file) {
  std::ifstream in(file);
  std::int64_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  if (lines == 0) throw std::invalid_argument("there are no pairs in " + file);
  return lines;
}

}  // namespace

TrainerSetup::TrainerSetup(TrainerFlags flags, double scale) : flags_(std::move(flags)) {
  epochs_ = kEpochs;
  if (!flags_.base.empty()) {
    pair_count_ = count_lines(flags_.pairs);
    batch_ = pair_count_;
    return;
  }
  const auto wanted = std::max<std::int64_t>(1, std::llround(kPairs * scale));
  batch_ = std::min(wanted, kBatch);
  pair_count_ = (wanted + batch_ - 1) / batch_ * batch_;
  run_program({flags_.python, STROP_SOURCE_DIR "/tests/bench/trl/make_inputs.py", file("inputs"),
               "--shape", flags_.shape, "--pairs", std::to_string(pair_count_), "--prompt",
               std::to_string(flags_.prompt), "--completion", std::to_string(flags_.completion)},
              file("inputs.log"));
  flags_.base = file("inputs/base");
  flags_.pairs = file("inputs/pairs.jsonl");
}

std::string TrainerSetup::name() const {
  return flags_.python.empty() ? fs::path(flags_.base).filename().string() : flags_.shape;
}

}  // namespace strop::bench
