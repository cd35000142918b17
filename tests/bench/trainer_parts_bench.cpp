// strop_bench_trainer_parts: the speed of the tokenizer, and of reading weights, in one run with
// what they are compared with.
//
//   strop_bench_trainer_parts --tokenizer FILE --corpus DIR --model FILE [--python PYTHON]
//     [--trainer STROP_TRAINER] [--json FILE] [--scale S] [--only NAME]
// MODEL is made, of 1 GB, where there is none. PYTHON has the `tokenizers` package. Exit codes: 0
// measured, whether the goals are met or not; 1 it could not be; 2 wrong usage.
#include <CLI/CLI.hpp>
#include <array>
#include <ctime>
#include <memory>

#include "bench/bench_run.h"
#include "bench/trainer_parts.h"

namespace strop::bench {

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace strop::bench

namespace {

using namespace strop::bench;

constexpr std::array<Measurement<TrainerParts>, 2> kMeasurements{
    {{"tokenizer", measure_tokenizer}, {"loading", measure_loading}}};

int run(int argc, char** argv) {
  TrainerParts parts;
  std::string trainer = STROP_TRAINER;
  CLI::App app{"The speed of the trainer's parts, in one run", "strop_bench_trainer_parts"};
  app.add_option("--tokenizer", parts.tokenizer, "a tokenizer.json")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--corpus", parts.corpus, "a folder of text files")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--model", parts.model, "a safetensors file; made where there is none")
      ->required();
  app.add_option("--python", parts.python, "a Python with the tokenizers package");
  app.add_option("--trainer", trainer, "strop-trainer, for its version");
  return run_bench(app, argc, argv, kMeasurements, trainer, [&](double scale) {
    parts.scale = scale;
    return std::make_unique<TrainerParts>(parts);
  });
}

}  // namespace

int main(int argc, char** argv) { return bench_main("strop_bench_trainer_parts", run, argc, argv); }
