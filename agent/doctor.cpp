#include "agent/doctor.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "agent/file_descriptor.h"
#include "agent/inspector.h"
#include "agent/privacy/pseudonyms.h"
#include "agent/provider/backend.h"
#include "agent/provider/probe.h"
#include "agent/session.h"
#include "agent/spool_store.h"
#include "agent/uplink.h"
#include "agent/uplink_socket.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kKnockMs = 2'000;
constexpr std::uint64_t kRoomWanted = 4u << 20;
constexpr const char* kForgotten = "forgotten";  // by the developer's own wish: no loss

class Report {
 public:
  explicit Report(std::ostream& out) : out_(out) {}
  void good(const std::string& what) { out_ << "ok       " << what << '\n'; }
  void note(const std::string& what) { out_ << "note     " << what << '\n'; }
  void bad(const std::string& what, const std::string& advice) {
    out_ << "problem  " << what << "\n         " << advice << '\n';
    sound_ = false;
  }
  bool sound() const { return sound_; }

 private:
  std::ostream& out_;
  bool sound_ = true;
};

// Whether somebody listens there; empty: yes, else why not. An address of IPv6 may be in brackets.
std::string knock(std::string host, const std::string& port) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int fault = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list); fault != 0)
    return ::gai_strerror(fault);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    const FileDescriptor socket(
        ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol));
    if (!socket.is_open()) continue;
    if (::connect(socket.get(), one->ai_addr, one->ai_addrlen) == 0) return "";
    pollfd item{socket.get(), POLLOUT, 0};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (::poll(&item, 1, kKnockMs) > 0)
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return "";
    why = ::strerror(error);
  }
  return why;
}

// Whether a collector answers there that takes our key; empty: yes, else why not.
std::string shake_hands(const UplinkOptions& options, const std::string& endpoint,
                        const std::string& server_key) {
  zmq::context_t context;
  UplinkSocket socket(context, {endpoint, options.key, server_key});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kKnockMs);
  while (!socket.is_open() && socket.fault().empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return "listens, but does not speak as a collector";
    std::vector<zmq::pollitem_t> items{{socket.monitor(), 0, ZMQ_POLLIN, 0}};
    zmq::poll(items, left);
    socket.watch();
  }
  return socket.fault();
}

fs::path own_file(const Places& places, const Flags& flags) {
  return flags.config.value_or(places.config_home / "strop" / "agent.toml");
}

void look_at_files(const Places& places, const Flags& flags, Report& report) {
  std::error_code ignored;
  const fs::path own = own_file(places, flags);
  report.note(own.string() + (fs::exists(own, ignored) ? " is read" : " does not exist: defaults"));
  if (fs::exists(places.ceiling, ignored))
    report.note(places.ceiling.string() + ", the administrator's, caps it");
}

// The mode that a configuration file names. REQUIRES: load_config() has accepted the file.
std::optional<Mode> mode_in(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  return mode_from_word(toml::parse_file(file.string())["mode"].value_or(std::string_view()));
}

// What wished for a mode, and what capped the wish: load_config()'s order, told.
std::string why_mode(const Places& places, const Flags& flags, Mode mode) {
  const fs::path own = own_file(places, flags);
  const std::optional<Mode> in_file = mode_in(own);
  const Mode wished = flags.mode.value_or(in_file.value_or(Config().mode));
  const std::string by = flags.mode ? "--mode"
                         : in_file  ? own.string()
                                    : "the default, as " + own.string() + " names no mode";
  if (mode == wished) return "by " + by;
  return "capped by " + places.ceiling.string() + ", the administrator's; " +
         std::string(to_word(wished)) + " was wished for by " + by;
}

void look_at_capture(const Config& config, const std::string& why, Report& report) {
  report.good("mode is " + std::string(to_word(config.mode)) + ", " + why);
  if (is_paused(config.state)) report.bad("capture is paused", "`strop-agent resume` goes on");
  if (config.mode != Mode::kFull) return;
  if (config.privacy.workspaces.empty())
    report.bad("no workspace has consented: only counts are kept, as if mode were metrics-only",
               "name folders in [privacy] workspaces");
  for (const std::string& folder : config.privacy.workspaces) {
    std::error_code error;
    if (fs::is_directory(folder, error))
      report.good("texts are captured below " + folder);
    else
      report.bad("the workspace " + folder + " is no folder", "mend [privacy] workspaces");
  }
}

void look_at_room(const fs::path& state, const DiskRoom& room, Report& report) {
  if (room.bytes >= kRoomWanted && room.files > 0) return;
  report.bad("the disk of " + state.string() + " has " +
                 (room.files == 0 ? "no room for another file"
                                  : std::to_string(room.bytes / 1024) + " KiB left") +
                 ": what is captured is given up",
             "make room on that disk");
}

// What the ledger tells of faults in the past, for whoever wonders where events are.
void look_at_losses(const Ledger& ledger, Report& report) {
  for (const auto& [reason, count] : ledger.given_up)
    if (reason != kForgotten)
      report.note(std::to_string(count) + " captured events were given up: " + reason);
  if (const auto fault = ledger.suppressed.find("fault"); fault != ledger.suppressed.end())
    report.note(std::to_string(fault->second) +
                " events were not kept because of a fault; agent.log says which");
}

void look_at_state(const Config& config, const std::function<DiskRoom(const fs::path&)>& room,
                   Report& report) {
  std::error_code error;
  fs::create_directories(config.state, error);
  if (error || ::access(config.state.c_str(), W_OK | X_OK) != 0)
    return report.bad(config.state.string() + " cannot be written: nothing is captured",
                      "make it yours: chown, or set XDG_STATE_HOME");
  const auto ledger = SpoolStore(config.state).ledger();
  if (!ledger) return report.bad("the spool cannot be read: " + ledger.error(), "see agent.log");
  report.good(config.state.string() + " holds " + std::to_string(ledger->unshipped) +
              " records that wait for the collector");
  if (!ledger->balanced())
    report.bad("the ledger does not balance", "please report it with `strop-agent inspect --json`");
  look_at_losses(*ledger, report);
  look_at_room(config.state, room(config.state), report);
  if (const auto pseudonyms = Pseudonyms::read(config.state); !pseudonyms)
    report.bad(pseudonyms.error(), "until then nothing is captured");
}

void look_at_collector(const UplinkOptions& options, const std::string& endpoint, Report& report) {
  const std::string rest = endpoint.substr(std::string("tcp://").size());
  const std::size_t colon = rest.rfind(':');
  std::string why = knock(rest.substr(0, colon), rest.substr(colon + 1));
  if (why.empty()) why = shake_hands(options, endpoint, options.server_key);
  // It may have its next key by now.
  if (!why.empty() && !options.next_server_key.empty() &&
      shake_hands(options, endpoint, options.next_server_key).empty())
    why.clear();
  if (why.empty())
    report.good("the collector at " + endpoint + (options.key ? " knows this key" : " listens"));
  else
    report.bad(
        why.find(endpoint) != std::string::npos ? why : "the collector at " + endpoint + ": " + why,
        "records wait in the spool meanwhile; ask whoever runs it");
}

void look_at_collectors(const Config& config, Report& report) {
  if (config.collector.endpoints.empty())
    return report.note("no collector: what is captured stays here (`strop-agent join` names one)");
  const auto options = read_uplink_options(config);
  if (!options) return report.bad(options.error(), "`strop-agent join` sets endpoint and keys");
  for (const std::string& endpoint : options->endpoints)
    look_at_collector(*options, endpoint, report);
}

void look_at_model_server(const Backend& backend, Report& report) {
  const std::string& model = backend.config.model;
  std::string who = "the model server at " + backend.config.url;
  if (!model.empty()) who += ", model '" + model + "'";
  if (backend.arm) who += " (arm '" + *backend.arm + "')";
  const std::string why = knock(backend.endpoint.host, backend.endpoint.port);
  if (!why.empty())
    return report.bad(who + ": " + why, std::string("start it (`strop-trainer serve`), or mend ") +
                                            (backend.arm ? "the arm's url" : "provider.url"));
  if (const auto tried = try_completion(backend.config, backend.endpoint, backend.key); !tried)
    return report.bad(who + " gives no completion: " + tried.error(),
                      "mend [provider]: url, model, fim, key_file or timeout_ms");
  report.good(who + " completes");
}

void look_at_provider(const Config& config, Report& report) {
  if (config.provider.url.empty()) return;
  const auto backends = make_backends(config.provider);
  if (!backends) return report.bad(backends.error(), "mend [provider]");
  for (const Backend& backend : *backends) look_at_model_server(backend, report);
}

}  // namespace

DiskRoom room_at(const fs::path& folder) {
  constexpr std::uint64_t kPlenty = std::numeric_limits<std::uint64_t>::max();
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return {kPlenty, kPlenty};
  // Some file systems count no files.
  return {std::uint64_t{disk.f_bavail} * disk.f_frsize,
          disk.f_files == 0 ? kPlenty : disk.f_favail};
}

int doctor(const Places& places, const Flags& flags, std::ostream& out, std::ostream& err,
           const std::function<DiskRoom(const fs::path&)>& room) {
  const auto config = load_config(places, flags);
  if (!config) {
    err << "strop-agent: " << config.error() << '\n';
    return 2;
  }
  Report report(out);
  look_at_files(places, flags, report);
  look_at_capture(*config, why_mode(places, flags, config->mode), report);
  look_at_state(*config, room, report);
  look_at_collectors(*config, report);
  look_at_provider(*config, report);
  return report.sound() ? 0 : 1;
}

}  // namespace strop::agent
