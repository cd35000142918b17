#include "trainer/hone.h"

#include <memory>
#include <optional>

#include "trainer/command.h"
#include "trainer/device.h"
#include "trainer/settings.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

void register_method(CLI::App& app, Action& action, Method method, const char* description) {
  struct Options {
    std::string recipe;
    RecipeFlags flags;
    std::optional<int> threads;
    std::string config;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(method_name(method), description);
  command
      ->add_option("recipe", options->recipe,
                   "TOML: [data], [objective], [adapter], [train], [evaluate]")
      ->required();
  command->add_option("--pairs", options->flags.pairs,
                      "what strop-collector export wrote, or TRL's or KTO's JSON lines, instead of "
                      "the recipe's");
  command->add_option("--base", options->flags.base, "model folder, instead of the recipe's");
  command->add_option("--out", options->flags.out,
                      "the folder to write; a run in it that was killed goes on");
  command->add_option("--threads", options->threads, "threads to compute with (0: every core)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--device", options->flags.device, kDeviceHelp);
  command->add_option("--config", options->config, kConfigHelp);
  command->callback([options, method, &action] {
    action = [options, method] {
      const Settings settings = read_settings(options->config);
      options->flags.usual_base = settings.base;
      options->flags.usual_device = settings.device;
      const Recipe recipe = read_recipe(options->recipe, method, options->flags);
      use_shard_threads();
      hone(recipe, thread_count(options->threads.value_or(settings.threads)));
      return 0;
    };
  });
}

}  // namespace

void register_dpo(CLI::App& app, Action& action) {
  register_method(app, action, Method::kDpo,
                  "train an adapter on preference pairs: preference and likelihood");
}

void register_kto(CLI::App& app, Action& action) {
  register_method(app, action, Method::kKto,
                  "train an adapter on single completions that were wanted or not");
}

void register_sft(CLI::App& app, Action& action) {
  register_method(app, action, Method::kSft,
                  "train an adapter on the chosen sides alone, as a control or a first round");
}

}  // namespace strop::trainer
