#include "bench/trainer_setup.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "bench/timed_program.h"
#include "trainer/precision.h"

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kPairs = 24;
constexpr std::int64_t kBatch = 8;
constexpr double kPairsOnGpu = 128;  // whose first steps are slow
constexpr std::int64_t kBatchOnGpu = 32;
constexpr std::int64_t kEpochs = 3;
constexpr double kMegabytesOfText = 4;

std::int64_t count_lines(const std::string& file) {
  std::ifstream in(file);
  std::int64_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  if (lines == 0) throw std::invalid_argument("there are no pairs in " + file);
  return lines;
}

}  // namespace

TrainerSetup::TrainerSetup(TrainerFlags flags, double scale)
    : flags_(std::move(flags)), scale_(scale) {}

std::string TrainerSetup::name() const {
  return flags_.base.empty() ? flags_.shape : fs::path(flags_.base).filename().string();
}

std::vector<std::string> TrainerSetup::precisions() const {
  if (!flags_.precision.empty()) return {flags_.precision};
  if (trainer::is_bfloat16_right(torch::Device(flags_.device))) return {"float32", "bfloat16"};
  std::fputs("bfloat16: not measured: it comes out wrong on this device, and is refused\n", stderr);
  return {"float32"};
}

const TrainerSetup::Training& TrainerSetup::training() const {
  if (!training_) training_ = make_training();
  return *training_;
}

const TrainerSetup::Texts& TrainerSetup::texts() const {
  if (!texts_) texts_ = make_texts();
  return *texts_;
}

void TrainerSetup::run_script(const std::string& name,
                              const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{flags_.python, STROP_SOURCE_DIR "/tests/bench/peers/" + name};
  command.insert(command.end(), arguments.begin(), arguments.end());
  run_program(std::move(command), file(name + ".log"));
}

TrainerSetup::Training TrainerSetup::make_training() const {
  if (!flags_.base.empty()) {
    const std::int64_t count = count_lines(flags_.pairs);
    return {fs::absolute(flags_.base), fs::absolute(flags_.pairs), count, count, kEpochs};
  }
  const bool gpu = flags_.on_gpu();
  const auto wanted =
      std::max<std::int64_t>(1, std::llround((gpu ? kPairsOnGpu : kPairs) * scale_));
  const std::int64_t batch = std::min(wanted, gpu ? kBatchOnGpu : kBatch);
  const std::int64_t count = (wanted + batch - 1) / batch * batch;
  run_script("make_inputs.py",
             {file("inputs"), "--shape", flags_.shape, "--pairs", std::to_string(count), "--prompt",
              std::to_string(flags_.prompt), "--completion", std::to_string(flags_.completion),
              "--device", flags_.device});
  return {file("inputs/base"), file("inputs/pairs.jsonl"), count, batch, kEpochs};
}

// Without a Python, these sources and the model's own tokenizer.
TrainerSetup::Texts TrainerSetup::make_texts() const {
  if (!has_peers()) return {STROP_SOURCE_DIR "/trainer", training().base};
  run_script("make_corpus.py",
             {file("texts"), "--megabytes", std::to_string(kMegabytesOfText * scale_)});
  return {file("texts/corpus"), file("texts/tokenizer.json")};
}

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace strop::bench
