#include "trainer/pretrain.h"

#include <memory>
#include <optional>

#include "trainer/command.h"
#include "trainer/device.h"
#include "trainer/settings.h"
#include "trainer/threads.h"

namespace strop::trainer {

void register_pretrain(CLI::App& app, Action& action) {
  struct Options {
    std::string recipe;
    std::string out;
    std::int64_t tokens = 0;
    std::optional<int> threads;
    std::string device;
    std::string config;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "pretrain", "make a model from source files (causal and fill-in-the-middle)");
  command->add_option("recipe", options->recipe, "TOML: [model], [data], [train]")->required();
  command
      ->add_option("--out", options->out,
                   "the model folder to write; a run in it that was killed goes on")
      ->required();
  command->add_option("--tokens", options->tokens, "tokens to train on, instead of the recipe's");
  command->add_option("--threads", options->threads, "threads to compute with (0: every core)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--device", options->device, kDeviceHelp);
  command->add_option("--config", options->config, kConfigHelp);
  command->callback([options, &action] {
    action = [options] {
      const Settings settings = read_settings(options->config);
      PretrainRecipe recipe = read_pretrain_recipe(options->recipe);
      if (options->tokens > 0) recipe.tokens = options->tokens;
      if (!options->device.empty()) recipe.device = options->device;
      if (recipe.device.empty()) recipe.device = settings.device;
      use_shard_threads();
      pretrain(recipe, options->out, thread_count(options->threads.value_or(settings.threads)));
      return 0;
    };
  });
}

}  // namespace strop::trainer
