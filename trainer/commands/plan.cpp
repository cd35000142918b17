#include "trainer/plan.h"

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include "trainer/command.h"
#include "trainer/device.h"
#include "trainer/precision.h"
#include "trainer/progress.h"
#include "trainer/run_inputs.h"
#include "trainer/settings.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

struct Options {
  std::string recipe;
  std::string method = "dpo";
  RecipeFlags flags;
  std::optional<int> threads;
  std::string config;
  bool no_measure = false;
  bool json = false;
};

// "12.3 G", of a thousand each.
std::string scaled(double value) {
  constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value,
                kUnits[unit]);
  return text;
}

void print(const Plan& plan, const ModelConfig& config, const Recipe& recipe, int threads,
           torch::ScalarType type, const torch::Device& device) {
  constexpr double kMillion = 1e6;
  std::printf("base     %s: %s, %.1f million parameters\n", recipe.base.c_str(),
              config.family.c_str(), static_cast<double>(plan.parameters) / kMillion);
  std::printf(
      "trained  %.2f million parameters: %s\n", static_cast<double>(plan.trained) / kMillion,
      recipe.train.full ? "all"
                        : ("an adapter of rank " + std::to_string(recipe.train.rank)).c_str());
  std::printf(
      "pairs    %zu; in the mean %.0f tokens of prompt, %.0f chosen, %.0f rejected; at most "
      "%lld in a pair\n",
      plan.pairs, plan.prompt_tokens, plan.chosen_tokens, plan.rejected_tokens,
      static_cast<long long>(plan.longest));
  std::printf("run      %lld steps, %lld epochs, %d threads, %s on %s\n",
              static_cast<long long>(plan.steps), static_cast<long long>(recipe.train.epochs),
              threads, type_name(type), device.str().c_str());
  std::printf("work     %sFLOP, of it %sFLOP for the reference\n", scaled(plan.flop).c_str(),
              scaled(plan.reference_flop).c_str());
  if (plan.available > 0)
    std::printf("memory   about %sB of %sB that this machine has free\n",
                scaled(plan.memory).c_str(), scaled(plan.available).c_str());
  else
    std::printf("memory   about %sB\n", scaled(plan.memory).c_str());
  if (plan.seconds)
    std::printf("time     about %s here, by %s of its work in each second\n",
                clock_text(*plan.seconds).c_str(),
                (scaled(plan.flop / *plan.seconds) + "FLOP").c_str());
}

int run(const Options& options) {
  const Settings settings = read_settings(options.config);
  RecipeFlags flags = options.flags;
  flags.usual_base = settings.base;
  flags.usual_device = settings.device;
  if (flags.out.empty()) flags.out = "unused";  // nothing is written
  const Method method = options.method == "sft"   ? Method::kSft
                        : options.method == "kto" ? Method::kKto
                                                  : Method::kDpo;
  const Recipe recipe = read_recipe(options.recipe, method, flags);
  use_shard_threads();
  const torch::Device device = choose_device(recipe.train.device);
  const int threads =
      worker_count(device, thread_count(options.threads.value_or(settings.threads)));
  const Tokenizer tokenizer = load_tokenizer(recipe);
  const ModelConfig config = base_config(recipe, tokenizer);
  const TokenPairs data = load_pairs(recipe, tokenizer);
  const torch::ScalarType type = compute_type(recipe.train.precision, config, device);
  Plan plan =
      make_plan(recipe, config, data, threads, type, device.is_cuda() ? MemoryNow{} : memory_now());
  if (plan.fits() && !options.no_measure)
    plan.seconds = measured_seconds(recipe, data.pairs, plan, threads, tokenizer, device);
  if (options.json)
    std::cout << plan_to_json(plan).dump(2) << std::endl;
  else
    print(plan, config, recipe, threads, type, device);
  if (plan.fits()) return 0;
  std::cerr << "strop-trainer plan: this run does not fit: set [train] recompute = true, lower "
               "[train] shard, [data] "
               "context or --threads, or take a smaller base\n";
  return 1;
}

}  // namespace

void register_plan(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "plan", "say what a run of dpo, sft or kto would take: parameters, work, memory, time");
  command->add_option("recipe", options->recipe, "the recipe of the run")->required();
  command->add_option("--method", options->method, "dpo, sft or kto")
      ->check(CLI::IsMember({"dpo", "sft", "kto"}))
      ->capture_default_str();
  command->add_option("--pairs", options->flags.pairs, "pairs, instead of the recipe's");
  command->add_option("--base", options->flags.base, "model folder, instead of the recipe's");
  command->add_option("--device", options->flags.device, kDeviceHelp);
  command->add_option("--threads", options->threads, "threads to compute with (0: every core)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--config", options->config, kConfigHelp);
  command->add_flag("--no-measure", options->no_measure,
                    "do not load the base and train on a few pairs to tell the time");
  command->add_flag("--json", options->json, "as JSON");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace strop::trainer
