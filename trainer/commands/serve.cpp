#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>

#include "trainer/checkpoint.h"
#include "trainer/command.h"
#include "trainer/device.h"
#include "trainer/loaded_model.h"
#include "trainer/serve/server.h"
#include "trainer/settings.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

// No file, no token.
std::string read_token(const std::string& file) {
  if (file.empty()) return "";
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    throw std::invalid_argument("the token file " + file + " is no file");
  if ((info.st_mode & 077) != 0)
    throw std::invalid_argument("the token file " + file + ": others may read it; do: chmod 600");
  std::ifstream in(file);
  std::string token;
  std::getline(in, token);
  if (token.empty())
    throw std::invalid_argument("the token file " + file + ": its first line must be the token");
  return token;
}

// Blocked before any thread starts, so that they arrive at sigwait alone.
sigset_t block_signals() {
  sigset_t out;
  sigemptyset(&out);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&out, signal);
  pthread_sigmask(SIG_BLOCK, &out, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return out;
}

// The one that was named, or that the configuration names by now. What is wrong with it is said,
// and the old one stays.
void renew_adapter(Server& server, const std::optional<std::string>& flag,
                   const std::string& config) {
  std::string wrong;
  try {
    const auto name = computed_apart(
        [&] { return server.use_adapter(flag ? *flag : read_settings(config).serve.adapter); });
    if (name) std::fprintf(stderr, "serving %s from now on\n", name->c_str());
    if (!name) wrong = name.error();
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  if (!wrong.empty())
    std::fprintf(stderr, "strop-trainer: %s; the old one stays in force\n", wrong.c_str());
}

}  // namespace

void register_serve(CLI::App& app, Action& action) {
  struct Options {
    std::string model;
    std::optional<std::string> adapter;
    std::optional<std::string> bind;
    std::optional<std::string> token_file;
    bool behind_proxy = false;
    std::optional<std::int64_t> context;
    std::optional<std::int64_t> cache_mib;
    std::optional<std::int64_t> batch_mib;
    std::string port_file;
    std::optional<int> threads;
    std::optional<std::string> device;
    std::optional<std::string> precision;
    std::string config;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "serve", "give a model's completions over HTTP (/v1/completions, /infill)");
  command->add_option("--model", options->model, "model folder");
  command->add_option("--adapter", options->adapter,
                      "adapter folder; SIGHUP reads it again, a link may have been turned");
  command->add_option("--bind", options->bind,
                      "HOST:PORT (default 127.0.0.1:8012); port 0 takes any free one");
  command->add_option("--port-file", options->port_file, "write the port here once it listens");
  command->add_option("--token-file", options->token_file,
                      "file (mode 0600) of the token that every request must bear");
  const CLI::Option* behind_proxy =
      command->add_flag("--behind-proxy", options->behind_proxy,
                        "a proxy with TLS stands in front and sees to who may ask");
  command->add_option("--context", options->context,
                      "tokens of prompt and completion (0: the model's positions)");
  command
      ->add_option("--cache-mib", options->cache_mib,
                   "memory for what prompts have in common with those before (default 256)")
      ->check(CLI::Range(0, 1 << 20));
  command
      ->add_option("--batch-mib", options->batch_mib,
                   "memory that the keys and values of what is computed may grow to; what would "
                   "take more waits (default 4096)")
      ->check(CLI::Range(1, 1 << 20));
  command
      ->add_option("--threads", options->threads,
                   "threads an operator is spread over (0: every core; 1 is best for small models)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--device", options->device, kDeviceHelp);
  command->add_option("--precision", options->precision, kPrecisionHelp);
  command->add_option("--config", options->config, kConfigHelp);
  command->callback([options, behind_proxy, &action] {
    action = [options, behind_proxy] {
      const Settings settings = read_settings(options->config);
      const ServeSettings& usual = settings.serve;
      ServeOptions serve{
          .bind = options->bind.value_or(usual.bind),
          .token = read_token(options->token_file.value_or(usual.token_file)),
          .behind_proxy = behind_proxy->empty() ? usual.behind_proxy : options->behind_proxy,
          .context = options->context.value_or(usual.context),
          .cache_mib = options->cache_mib.value_or(usual.cache_mib),
          .batch_mib = options->batch_mib.value_or(usual.batch_mib)};
      const int threads = options->threads.value_or(usual.threads);
      const torch::Device device = choose_device(options->device.value_or(settings.device));
      const Precision precision = model_precision(options->precision, settings);
      const sigset_t signals = block_signals();
      if (threads == 1)
        use_shard_threads();
      else
        use_operator_threads(thread_count(threads));
      LoadedModel model = computed_apart([&] {
        return load_model(model_folder(options->model, settings),
                          options->adapter.value_or(usual.adapter), device, precision);
      });
      Server server(model, std::move(serve));
      server.start();
      std::fprintf(stderr, "serving %s in %s on port %d\n", model.name.c_str(),
                   type_name(model.decoder.computes_in()), server.port());
      if (!options->port_file.empty())
        write_file(options->port_file, std::to_string(server.port()) + "\n");
      for (int signal = 0; sigwait(&signals, &signal) == 0 && signal == SIGHUP;)
        renew_adapter(server, options->adapter, options->config);
      server.stop();
      return 0;
    };
  });
}

}  // namespace strop::trainer
