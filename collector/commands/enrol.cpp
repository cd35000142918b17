// `strop-collector enrol NAME`: a one-time token that lets one machine of a developer in.
#include <sodium.h>

#include <ctime>
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/options.h"
#include "collector/config.h"
#include "collector/enrol_list.h"

namespace strop::collector {
namespace {

constexpr std::int64_t kSecondsPerHour = 3600;
constexpr int kLongestHours = 30 * 24;

struct EnrolOptions {
  std::string config;
  std::string keys;
  std::string name;
  int valid_hours = 24;
};

std::string in_words(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

int run(const EnrolOptions& options) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
  const std::string folder = options.keys.empty() ? read_config(options.config).keys : options.keys;
  if (folder.empty()) throw UsageError("which keys? Give --keys DIR, or set 'keys' in the file");
  const std::int64_t now_s = unix_now_ms() / 1000;
  const std::int64_t until_s = now_s + options.valid_hours * kSecondsPerHour;
  const auto token = make_token(folder, options.name, now_s, until_s);
  if (!token) throw std::runtime_error(token.error());
  std::cout << schema::token_text(*token, "One-time token of Strop: lets one machine in as " +
                                              options.name + ", until " + in_words(until_s) +
                                              ". Keep it secret.");
  std::cerr << "The token above lets one machine in as " << options.name << ", once, until "
            << in_words(until_s)
            << ". Bring it there by a safe way, in a file of mode 0600:\n"
               "  strop-agent join tcp://HOST:PORT --token-file FILE\n";
  return kDone;
}

}  // namespace

void register_enrol(Commands& commands) {
  auto options = std::make_shared<EnrolOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "enrol", "Prints a one-time token that lets one machine of a developer in");
  command->add_option("--config", options->config,
                      std::string("Configuration file (default ") + kDefaultConfig + ")");
  command->add_option("--keys", options->keys, "Folder of server.key and allow.list");
  command->add_option("--valid-hours", options->valid_hours, "How long it can be used")
      ->check(CLI::Range(1, kLongestHours))
      ->capture_default_str();
  command->add_option("name", options->name, "The developer")->required();
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
