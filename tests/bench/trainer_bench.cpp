// strop_bench_trainer: the speed and memory of what strop-trainer does, beside what others do in
// the same run: dpo beside TRL and the machine's matrix products, tokenizer beside Hugging Face's,
// loading beside read(), serve beside llama.cpp; and growth, how training slows as the work grows.
//
//   strop_bench_trainer [--json F] [--scale S] [--only NAME] --trainer T
//       (--python PYTHON [--shape NAME] | --base FOLDER --pairs FILE) [--device D] [--precision P]
//       [--threads N] [--prompt N] [--completion N] [--micro-batch N] [--peak TFLOPS]
// PYTHON has what peers/requirements.txt lists; without it strop-trainer is measured alone.
// --precision is of dpo and serve. Exit codes: 0 measured, whether the goals are met or not; 1 it
// could not be; 2 wrong usage.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "bench/bench_run.h"
#include "bench/trainer_speeds.h"

namespace {

using namespace strop::bench;

constexpr std::array<Measurement<TrainerSetup>, 5> kMeasurements{{{"dpo", measure_dpo},
                                                                  {"tokenizer", measure_tokenizer},
                                                                  {"loading", measure_loading},
                                                                  {"serve", measure_serve},
                                                                  {"growth", measure_growth}}};

int run(int argc, char** argv) {
  TrainerFlags flags;
  CLI::App app{"The speed and memory of strop-trainer, in one run", "strop_bench_trainer"};
  app.add_option("--trainer", flags.trainer, "strop-trainer")->required()->check(CLI::ExistingFile);
  auto* python = app.add_option("--python", flags.python, "a Python with what to compare with");
  python->check(CLI::ExistingFile);
  auto* base = app.add_option("--base", flags.base, "a model folder, instead of --python's");
  base->excludes(python)->check(CLI::ExistingDirectory);
  auto* pairs = app.add_option("--pairs", flags.pairs, "what to train on, with --base");
  pairs->check(CLI::ExistingFile)->needs(base);
  base->needs(pairs);
  app.add_option("--shape", flags.shape, "of the random model")
      ->check(CLI::IsMember({"tiny", "qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-7b"}))
      ->capture_default_str();
  app.add_option("--prompt", flags.prompt, "tokens of a prompt")
      ->check(CLI::Range(32, 1 << 17))
      ->capture_default_str();
  app.add_option("--completion", flags.completion, "tokens of each completion")
      ->check(CLI::Range(2, 1 << 15))
      ->capture_default_str();
  app.add_option("--device", flags.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--precision", flags.precision,
                 "of dpo and serve: float32, bfloat16 (default: both)")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  app.add_option("--threads", flags.threads, "of the processor; 0: every core")
      ->check(CLI::Range(0, 1024));
  app.add_option("--micro-batch", flags.micro_batch,
                 "pairs at once, of strop-trainer and of TRL at its best")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--peak", flags.peak,
                 "TFLOP/s of the GPU in that precision by its maker: what share of it is useful")
      ->check(CLI::PositiveNumber);
  app.callback([&flags] {
    if (flags.python.empty() && flags.base.empty())
      throw CLI::ValidationError("what to train? Give --python, which makes a model, or --base");
  });
  return run_bench(app, argc, argv, kMeasurements, flags.trainer,
                   [&](double scale) { return std::make_unique<TrainerSetup>(flags, scale); });
}

}  // namespace

int main(int argc, char** argv) { return bench_main("strop_bench_trainer", run, argc, argv); }
