#include "bench/dpo_run.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/timed_program.h"

namespace strop::bench {
namespace {

using nlohmann::json;

std::string recipe_of(const DpoRun& run) {
  const DpoNumbers numbers;
  std::string out;
  const auto line = [&](const std::string& text) { out += text + "\n"; };
  line("[data]");
  line("base = \"" + run.base + "\"");
  line("pairs = \"" + run.pairs + "\"");
  line("out = \"out\"");
  line("fim = \"qwen\"");
  line("context = " + std::to_string(run.context));
  line("[objective]");
  line("beta = " + std::to_string(numbers.beta));
  line("preference = 1\nlikelihood = 0\nprompt = 0");
  line("[adapter]");
  line("rank = " + std::to_string(numbers.rank) + "\nalpha = " + std::to_string(numbers.alpha));
  line("[train]");
  line("learning_rate = " + std::to_string(numbers.rate));
  line("schedule = \"constant\"\nwarmup = 0\nclip = " + std::to_string(numbers.clip));
  line("batch = " + std::to_string(run.batch) + "\nshard = " + std::to_string(run.shard));
  line("epochs = " + std::to_string(run.epochs) + "\nprecision = \"" + run.precision + "\"");
  line("average = 1\nseed = " + std::to_string(numbers.seed) + "\ncheckpoint_every = 1000000");
  return out;
}

}  // namespace

Trained train_with_strop(const TrainerSetup& setup, const DpoRun& run) {
  const TrainerFlags& flags = setup.flags();
  std::filesystem::remove_all(setup.file("out"));
  std::ofstream(setup.file("recipe.toml")) << recipe_of(run);
  const ProgramUse use = run_program({flags.trainer, "dpo", setup.file("recipe.toml"), "--threads",
                                      std::to_string(run.threads), "--device", flags.device},
                                     setup.file("strop.log"));
  const json summary = json::parse(std::ifstream(setup.file("out/summary.json")));
  Trained out{.pairs = summary.at("pairs").get<double>() * static_cast<double>(run.epochs),
              .seconds = use.seconds,
              .processor_seconds = use.processor_seconds,
              .peak_mib = use.peak_mib,
              .losses = {},
              .training_seconds = summary.at("seconds").get<double>(),
              .reference_seconds = summary.at("reference_seconds").get<double>(),
              .data_seconds = summary.at("data_seconds").get<double>()};
  std::ifstream metrics(setup.file("out/metrics.jsonl"));
  for (std::string line; std::getline(metrics, line);)
    if (const json step = json::parse(line); step.contains("loss"))
      out.losses.push_back(step.at("loss").get<double>());
  if (out.losses.empty()) throw std::runtime_error("strop-trainer has told of no step");
  return out;
}

}  // namespace strop::bench
