// How training slows as the work grows: one thing at a time around one point.
#include <algorithm>
#include <array>
#include <cmath>
#include <thread>

#include "bench/dpo_run.h"
#include "bench/trainer_speeds.h"

namespace strop::bench {
namespace {

constexpr std::int64_t kPairs = 8;  // times scale
constexpr std::int64_t kCompletion = 32;

// The point around which each of them grows.
struct Point {
  std::string shape = "60m";
  std::int64_t prompt = 512;
  std::int64_t sharing = 1;  // pairs of one prompt
  int threads = 0;
};

double pairs_a_second(const TrainerSetup& setup, const Point& point) {
  const auto count = static_cast<std::int64_t>(
      std::ceil(static_cast<double>(kPairs) * setup.scale() / static_cast<double>(point.sharing)));
  const std::int64_t pairs = std::max<std::int64_t>(count, 1) * point.sharing;
  const std::string folder = setup.file("growth");
  setup.run_script("make_inputs.py",
                   {folder, "--shape", point.shape, "--pairs", std::to_string(pairs), "--prompt",
                    std::to_string(point.prompt), "--completion", std::to_string(kCompletion),
                    "--sharing", std::to_string(point.sharing)});
  const Trained trained = train_with_strop(setup, {.base = folder + "/base",
                                                   .pairs = folder + "/pairs.jsonl",
                                                   .context = point.prompt + kCompletion,
                                                   .batch = pairs,
                                                   .shard = point.sharing,
                                                   .threads = point.threads});
  return trained.pairs / trained.training_seconds;
}

}  // namespace

void measure_growth(const TrainerSetup& setup, Report& report) {
  if (!setup.has_peers()) return;  // nobody else makes models
  const auto add = [&](const std::string& axis, const std::string& at, const Point& point) {
    report.add({"pairs a second by " + axis, at, pairs_a_second(setup, point), "pairs/s", "",
                std::nullopt, "", true});
  };
  for (const std::int64_t prompt : {128, 256, 512, 1024, 2048})
    add("tokens of the prompt", std::to_string(prompt), {.prompt = prompt});
  for (const std::int64_t sharing : {1, 2, 4, 8})
    add("pairs of one prompt, one thread", std::to_string(sharing),
        {.sharing = sharing, .threads = 1});
  for (const char* shape : {"15m", "60m", "160m"})
    add("size of the model", shape, {.shape = shape});
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (int threads = 1; threads <= cores; threads *= 2)
    add("threads", std::to_string(threads), {.threads = threads});
}

}  // namespace strop::bench
