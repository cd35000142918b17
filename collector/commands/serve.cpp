// `strop-collector serve`: takes events in until it is told to end.
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "collector/commands/commands.h"
#include "collector/config.h"
#include "collector/http/pages.h"
#include "collector/log.h"
#include "collector/pseudonym.h"
#include "collector/receiver.h"
#include "collector/scrub.h"
#include "collector/store/open_store.h"
#include "collector/store_check.h"
#include "schema/private_file.h"

namespace strop::collector {
namespace {

constexpr int kGreatestNumber = 1'000'000;  // of days and MiB, as in the configuration

struct ServeOptions {
  std::string config;
  std::string port_file;
  Config flags;  // what the command line gives; empty: not given
};

Config merged(const ServeOptions& options) {
  Config config = read_config(options.config);
  for (const auto field : {&Config::store, &Config::bind, &Config::keys, &Config::http,
                           &Config::pseudonym_key, &Config::http_token_file})
    if (!(options.flags.*field).empty()) config.*field = options.flags.*field;
  if (options.flags.max_store_mib > 0) config.max_store_mib = options.flags.max_store_mib;
  if (options.flags.retention_days) config.retention_days = options.flags.retention_days;
  if (options.flags.check_first_mib) config.check_first_mib = options.flags.check_first_mib;
  if (options.flags.sessions_per_key) config.sessions_per_key = options.flags.sessions_per_key;
  if (options.flags.handshakes_per_minute)
    config.handshakes_per_minute = options.flags.handshakes_per_minute;
  const auto& hosts = options.flags.http_hosts;
  config.http_hosts.insert(config.http_hosts.end(), hosts.begin(), hosts.end());
  config.insecure_loopback |= options.flags.insecure_loopback;
  return config;
}

// Everything that can be seen to be wrong before a file or a socket is touched.
void check(const Config& config) {
  if (config.store.empty()) throw UsageError("which store? Give --store PATH.db");
  check_location(config.store);
  if (config.bind.empty()) throw UsageError("listen where? Give --bind tcp://HOST:PORT");
  const Endpoint bind = parse_bind(config.bind);
  if (config.keys.empty() && !config.insecure_loopback)
    throw UsageError(
        "without keys anybody could send. Give --keys DIR (`strop-collector keys generate --keys "
        "DIR` makes one), or on loopback --insecure-loopback");
  if (!config.keys.empty() && config.insecure_loopback)
    throw UsageError("--keys and --insecure-loopback exclude each other");
  if (config.keys.empty() && !bind.loopback())
    throw UsageError("refusing to listen on " + bind.host +
                     " without keys: --insecure-loopback is for 127.0.0.1 alone");
  if (!config.http.empty() && !parse_host_port(config.http).loopback())
    throw UsageError("--http listens on loopback alone, such as 127.0.0.1:7342");
}

HttpDoor http_door(const Config& config) {
  HttpDoor door{config.http_hosts, ""};
  if (config.http_token_file.empty()) return door;
  auto token = schema::read_private_line(config.http_token_file, "token file");
  if (!token) throw UsageError(token.error());
  door.token = std::move(*token);
  return door;
}

IntakeLimits intake_limits(const Config& config) {
  IntakeLimits limits;
  constexpr std::int64_t kUsualDays = 180;
  constexpr std::int64_t kDayMs = 86'400'000;
  limits.retention_ms = config.retention_days.value_or(kUsualDays) * kDayMs;
  if (config.sessions_per_key) limits.sessions_per_key = *config.sessions_per_key;
  return limits;
}

KnockLimits knock_limits(const Config& config) {
  KnockLimits limits;
  if (config.handshakes_per_minute) limits.by_key = *config.handshakes_per_minute;
  return limits;
}

std::filesystem::path pseudonym_file(const Config& config) {
  if (!config.pseudonym_key.empty()) return config.pseudonym_key;
  if (!config.keys.empty()) return std::filesystem::path(config.keys) / "pseudonym.key";
  if (is_database(config.store))
    throw UsageError(
        "a database has no file beside it: give --pseudonym-key FILE, the same for "
        "every collector that serves it");
  return config.store + ".pseudonym.key";
}

// Loads the keys; agents cannot be known without them.
struct DoorKeys {
  DoorKeys(const std::string& folder, Metrics& metrics) : keeper(folder, metrics) {
    if (!std::filesystem::exists(server_key_file(folder)))
      throw UsageError("there is no " + server_key_file(folder).string() +
                       "; `strop-collector keys generate --keys " + folder + "` makes it");
    auto read = schema::read_curve_key(server_key_file(folder));
    if (!read) throw UsageError(read.error());
    key = std::move(*read);
    if (keeper.allowed({}).names_by_key().empty())
      log_warn("allow_list_empty", {{"advice", "strop-collector enrol NAME"}});
  }
  schema::CurveKey key;
  Doorkeeper keeper;
};

std::string port_of(const std::string& endpoint) {
  return endpoint.substr(endpoint.rfind(':') + 1);
}

// Whoever waits for the file finds it whole: first line the port for agents, second that of http.
void write_port_file(const std::string& file, const std::string& endpoint, const HttpServer* http) {
  const std::string fresh = file + ".new";
  std::ofstream out(fresh);
  out << port_of(endpoint) << '\n';
  if (http != nullptr) out << http->port() << '\n';
  out.close();
  if (!out) throw std::runtime_error("cannot write " + fresh);
  std::filesystem::rename(fresh, file);
}

std::atomic<Receiver*> running{nullptr};

extern "C" void on_signal(int) {
  if (Receiver* receiver = running.load()) receiver->stop();
}

// While it lives, SIGTERM and SIGINT end the receiver in good order.
class StopOnSignal {
 public:
  explicit StopOnSignal(Receiver& receiver) {
    running = &receiver;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  ~StopOnSignal() { running = nullptr; }
};

// Every agent is a file descriptor.
void allow_many_connections() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// There while the store is known to be damaged: it is then looked through first, however large.
std::string damage_marker(const Config& config) { return config.store + ".damaged"; }

// Half a gigabyte is looked through in about a second.
StoreCheckup checkup_of(const Config& config) {
  constexpr std::int64_t kUsualMib = 512;
  if (is_database(config.store)) return StoreCheckup::kFirst;
  std::error_code none_yet;
  const auto bytes = std::filesystem::file_size(config.store, none_yet);
  const auto most = static_cast<std::uintmax_t>(config.check_first_mib.value_or(kUsualMib)) << 20;
  const bool large = !none_yet && bytes > most;
  return large && !std::filesystem::exists(damage_marker(config)) ? StoreCheckup::kLater
                                                                  : StoreCheckup::kFirst;
}

int run(const ServeOptions& options) {
  const Config config = merged(options);
  check(config);
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
  allow_many_connections();

  Metrics metrics;
  std::optional<DoorKeys> keys;
  if (!config.keys.empty()) keys.emplace(config.keys, metrics);
  const Pseudonyms pseudonyms(pseudonym_file(config));
  const StoreCheckup checkup = checkup_of(config);
  const auto store = open_store(config.store, StoreAccess::kReceiver, checkup);
  if (config.max_store_mib > 0) store->set_size_limit(config.max_store_mib << 20);
  Health health;
  Intake intake(
      *store,
      [&](const auto& user, const auto& install) { return pseudonyms.contributor(user, install); },
      scrub_event, metrics, intake_limits(config));
  zmq::context_t context;
  std::optional<Door> door;
  if (keys) door = Door{keys->key, &keys->keeper, knock_limits(config)};
  Receiver receiver(context, config.bind, std::move(door), intake, metrics, health);
  const StopOnSignal signals(receiver);
  std::optional<StoreCheck> check;
  if (checkup == StoreCheckup::kLater) {
    check.emplace(config.store, metrics, [&](const std::string& what) {
      std::ofstream(damage_marker(config)) << what << '\n';
      health.set_damage(what);
    });
  } else if (!is_database(config.store)) {
    std::filesystem::remove(damage_marker(config));
    metrics.store_checked = 1;
  }

  std::optional<HttpServer> http;
  if (!config.http.empty()) {
    const Endpoint at = parse_host_port(config.http);
    http.emplace(
        at.host, at.port, http_door(config),
        [&](const std::string& path) { return respond(path, health, metrics); }, metrics);
  }
  if (!options.port_file.empty())
    write_port_file(options.port_file, receiver.endpoint(), http ? &*http : nullptr);
  log_info("listening", {{"bind", receiver.endpoint()},
                         {"http", http ? std::to_string(http->port()) : "none"},
                         {"store", config.store},
                         {"keys", keys ? config.keys : "none"}});
  receiver.run();
  log_info("ended", {{"stored", std::to_string(metrics.events_stored)}});
  return kDone;
}

}  // namespace

void register_serve(Commands& commands) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      commands.app.add_subcommand("serve", "Takes events in until it is told to end");
  command->add_option("--config", options->config,
                      std::string("Configuration file (default ") + kDefaultConfig + ")");
  command->add_option("--store", options->flags.store,
                      "A SQLite file, made if need be, or postgresql://USER@HOST/DATABASE");
  command->add_option("--bind", options->flags.bind,
                      "Where agents connect: tcp://HOST:PORT; port 0 takes any free one");
  command->add_option("--keys", options->flags.keys, "Folder of server.key and allow.list");
  command->add_option("--http", options->flags.http,
                      "HOST:PORT on loopback for /healthz, /readyz and /metrics");
  command->add_option("--http-token-file", options->flags.http_token_file,
                      "File of mode 0600 whose first line --http asks for as a bearer token");
  command->add_option("--http-host", options->flags.http_hosts,
                      "Name under which --http may be asked for besides localhost; repeatable");
  command->add_option("--sessions-per-key", options->flags.sessions_per_key,
                      "Connections of one key at a time; 0: any number (default 128)");
  command->add_option("--handshakes-per-minute", options->flags.handshakes_per_minute,
                      "Handshakes of one key; 0: any number (default 600)");
  command->add_option("--pseudonym-key", options->flags.pseudonym_key,
                      "File of the key for contributors' pseudonyms (default: beside the keys)");
  command
      ->add_option("--max-store-mib", options->flags.max_store_mib,
                   "Take no more events once the store is so large; agents keep theirs")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--retention-days", options->flags.retention_days,
                   "Erase what was received longer ago; 0: keep it for ever (default 180)")
      ->check(CLI::Range(0, kGreatestNumber));
  command
      ->add_option("--check-first-mib", options->flags.check_first_mib,
                   "A SQLite store up to so large is looked through for damage before events are "
                   "taken, a larger one meanwhile (default 512)")
      ->check(CLI::Range(0, kGreatestNumber));
  command->add_flag("--insecure-loopback", options->flags.insecure_loopback,
                    "Without keys or encryption, for this machine alone");
  command->add_option("--port-file", options->port_file,
                      "Write the port here once it listens, and on a second line that of --http");
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
