#include "agent/session.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "agent/control.h"
#include "agent/interceptor.h"
#include "agent/log.h"
#include "agent/provider/standalone_server.h"
#include "agent/relay.h"
#include "agent/server_name.h"
#include "agent/supervisor.h"
#include "agent/tap.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// Together below the 200 ms in which an agent ends after its server.
constexpr milliseconds kForOutput{90};
constexpr milliseconds kForCapture{90};
// For an editor that does not read what the server said before its end; a signal ends it.
constexpr std::chrono::seconds kForSlowEditor{60};
// In the client's time nobody waits, and every event counts.
constexpr milliseconds kForSimulation{60'000};

struct Standalone {
  FileDescriptor input;
  FileDescriptor output;
  std::thread thread;
};

FileDescriptor taken_over(int descriptor) {
  FileDescriptor own(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!own.is_open()) throw std::runtime_error("too many files are open");
  return own;
}

// From here on a stray write to stdout cannot get between the frames.
void put_null_on_standard_streams() {
  const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(null.get(), STDOUT_FILENO);
}

json counts_json(const DirectionCounts& counts) {
  return {{"frames", counts.frames.frames},
          {"bytes_in", counts.bytes_in},
          {"bytes_out", counts.bytes_out},
          {"oversized", counts.frames.oversized_frames},
          {"junk_bytes", counts.frames.junk_bytes},
          {"truncated_bytes", counts.frames.truncated_bytes},
          {"replaced", counts.replaced},
          {"swallowed", counts.swallowed}};
}

json counts_json(const InterceptorCounts& counts) {
  return {{"announced", counts.announced.load()},
          {"wrapped", counts.wrapped.load()},
          {"accepts", counts.accepts.load()},
          {"asked", counts.asked.load()},
          {"cancelled", counts.cancelled.load()},
          {"no_context", counts.no_context.load()},
          {"undelivered", counts.undelivered.load()},
          {"own_requests", counts.own_requests.load()},
          {"own_unknown", counts.own_unknown.load()},
          {"unwrapped", counts.unwrapped.load()},
          {"displaced", counts.displaced.load()},
          {"unrecorded", counts.unrecorded.load()},
          {"faults", counts.faults.load()}};
}

json counts_json(const CaptureCounts& counts) {
  return {{"messages", counts.messages},
          {"events", counts.events},
          {"losses", counts.losses},
          {"faults", counts.faults},
          {"malformed", counts.tracker.malformed},
          {"unsynced_documents", counts.tracker.unsynced_documents}};
}

json counts_json(const ProviderCounts& counts) {
  return {{"asked", counts.asked},           {"answered", counts.answered},
          {"empty", counts.empty},           {"refused", counts.refused},
          {"failed", counts.failed},         {"cancelled", counts.cancelled},
          {"superseded", counts.superseded}, {"cache_hits", counts.cache_hits},
          {"silent", counts.silent}};
}

class Session {
 public:
  explicit Session(const SessionPlan& plan)
      : plan_(plan), capturing_(plan.config.mode != Mode::kOff), clock_(plan.clock) {}

  tl::expected<SessionEnd, std::string> run() {
    const Config& config = plan_.config;
    std::vector<Backend> backends;
    if (!config.provider.url.empty()) {
      auto made = make_backends(config.provider);
      if (!made) return tl::unexpected(made.error());
      backends = std::move(*made);
    }
    const sigset_t signals = handled_signals();
    sigset_t inherited;
    ::pthread_sigmask(SIG_BLOCK, &signals, &inherited);
    if (auto started = start_server(inherited); !started) return tl::unexpected(started.error());
    ::signal(SIGPIPE, SIG_IGN);
    open_log(config.state);
    build(std::move(backends));
    Supervisor supervisor(signals, child_ ? &*child_ : nullptr, *relay_);
    if (interceptor_)
      interceptor_->set_on_editor_process(
          [&supervisor](long long id) { supervisor.watch_editor(id); });
    relay_->start();
    if (!child_) start_standalone(supervisor);
    SessionEnd end;
    end.end = supervisor.watch();
    end.orderly = finish(end.end);
    log_end(end);
    return end;
  }

 private:
  tl::expected<void, std::string> start_server(const sigset_t& inherited);
  void build(std::vector<Backend> backends);
  std::optional<Completer> who_completes(std::string_view uri) const;
  void start_standalone(Supervisor& supervisor);
  bool finish(const ChildEnd& end);
  void hand_over(const ChildEnd& end);
  void log_end(const SessionEnd& end) const;

  const SessionPlan& plan_;
  const bool capturing_;
  Clock clock_;
  std::optional<ChildProcess> child_;
  Standalone standalone_;
  RelayEnds ends_;
  std::optional<Tap> tap_;
  std::unique_ptr<Delivery> delivery_;
  std::optional<Control> control_;
  std::unique_ptr<Interceptor> interceptor_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Provider> provider_;
  std::optional<ControlDesk> desk_;
  std::unique_ptr<Capture> capture_;
  bool captured_all_ = false;
};

tl::expected<void, std::string> Session::start_server(const sigset_t& inherited) {
  if (!plan_.server.empty()) {
    auto child = ChildProcess::start(plan_.server, inherited);
    if (!child) return tl::unexpected(child.error());
    child_ = std::move(*child);
    ends_.to_server = std::move(child_->input());
    ends_.from_server = std::move(child_->output());
  } else {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0)
      return tl::unexpected(std::string("too many files are open"));
    standalone_.input = FileDescriptor(to[0]);
    ends_.to_server = FileDescriptor(to[1]);
    ends_.from_server = FileDescriptor(from[0]);
    standalone_.output = FileDescriptor(from[1]);
  }
  ends_.from_editor = taken_over(STDIN_FILENO);
  ends_.to_editor = taken_over(STDOUT_FILENO);
  put_null_on_standard_streams();
  return {};
}

void Session::build(std::vector<Backend> backends) {
  const Config& config = plan_.config;
  // With nothing to capture and nothing to provide, bytes are not even framed.
  const bool framed = capturing_ || !backends.empty();
  if (capturing_) tap_.emplace(TapLimits{.patient = clock_.of_client()});
  if (framed) {
    delivery_ = plan_.make_delivery();
    InterceptorOptions options;
    if (capturing_) options.accept_command = make_accept_command();
    options.provider_first = config.provider.first;
    options.ask.multiline = config.provider.multiline;
    options.ask.open_files = config.provider.related_bytes > 0;
    interceptor_ = std::make_unique<Interceptor>(options, clock_, tap_ ? &*tap_ : nullptr);
    control_.emplace(
        ControlFacts{.mode = config.mode, .state = config.state},
        [this](std::string_view uri) { return delivery_->ruling(uri); },
        [this](std::string_view uri) { return who_completes(uri); },
        [this] { delivery_->look_again(); });
    desk_.emplace(*control_);
    interceptor_->set_control(&*desk_);
    if (capturing_) {
      TrackerOptions tracker;
      tracker.accept_command = options.accept_command;
      tracker.server_name = server_name(plan_.server);
      capture_ = std::make_unique<Capture>(tracker, *tap_, clock_, delivery_->sink());
    }
  }
  relay_ = std::make_unique<Relay>(std::move(ends_), interceptor_.get());
  if (!framed) return;
  interceptor_->set_inject([this](std::string bytes) { return relay_->inject(std::move(bytes)); });
  if (backends.empty()) return;
  provider_ = std::make_unique<Provider>(
      config.provider, std::move(backends),
      [this](InlineAsk& ask) { return delivery_->prepare(ask); },
      [this](const InlineAnswer& answer) { interceptor_->deliver(answer); });
  interceptor_->set_provider(provider_.get());
}

// Nobody asks before the relay starts.
std::optional<Completer> Session::who_completes(std::string_view uri) const {
  if (!provider_) return std::nullopt;
  const Backend& backend = provider_->backend_of(uri);
  return Completer{producer_name(backend.config, backend.endpoint), backend.config.url,
                   backend.config.model, backend.arm};
}

void Session::start_standalone(Supervisor& supervisor) {
  standalone_.thread = std::thread([this, &supervisor] {
    const int code = serve_standalone(standalone_.input.get(), standalone_.output.get());
    standalone_.output.close();
    standalone_.input.close();
    supervisor.end_alone(code);
  });
}

// Without us a server ends only when all but a pipe of its output is read, unless it is made to.
void Session::hand_over(const ChildEnd& end) {
  const auto is_one = [](const sigset_t& set, int number) {
    return sigismember(&set, number) == 1;
  };
  const sigset_t handled = handled_signals();
  if (end.signalled && (end.code == SIGKILL || is_one(handled, end.code))) {
    relay_->wait_for_output(kForOutput);
    return;
  }
  const auto deadline = std::chrono::steady_clock::now() + kForSlowEditor;
  relay_->hand_over(kForOutput, [&] {
    sigset_t pending;
    sigemptyset(&pending);
    ::sigpending(&pending);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
      if (is_one(pending, number)) return false;
    return std::chrono::steady_clock::now() < deadline;
  });
}

// In the order in which things feed one another. False: something could not be ended in time.
bool Session::finish(const ChildEnd& end) {
  const bool simulated = clock_.of_client();
  if (simulated)
    relay_->wait_for_output(kForSimulation);
  else
    hand_over(end);
  if (provider_) provider_->stop();
  if (desk_) desk_->stop();
  relay_->stop();
  if (standalone_.thread.joinable()) standalone_.thread.join();
  if (capture_) {
    tap_->close();
    captured_all_ = capture_->wait(simulated ? kForSimulation : kForCapture);
    if (!captured_all_) return false;
  }
  if (delivery_) delivery_->finish();
  return true;
}

void Session::log_end(const SessionEnd& end) const {
  json counts = {{"server", plan_.server.empty() ? "" : plan_.server.front()},
                 {"mode", to_word(plan_.config.mode)},
                 {"end", {{"signalled", end.end.signalled}, {"code", end.end.code}}},
                 {"to_server", counts_json(relay_->counts().to_server)},
                 {"to_editor", counts_json(relay_->counts().to_editor)},
                 {"injected", relay_->counts().injected},
                 {"injections_dropped", relay_->counts().injections_dropped}};
  if (interceptor_) counts["messages"] = counts_json(interceptor_->counts());
  if (tap_)
    counts["tap"] = {{"pushed", tap_->counts().pushed}, {"dropped", tap_->counts().dropped}};
  if (captured_all_) counts["capture"] = counts_json(capture_->counts());
  if (capture_ && !captured_all_)
    spdlog::warn("capture did not come to its end in time: what was open is unsettled");
  if (provider_) counts["provider"] = counts_json(provider_->counts());
  spdlog::info("session {}", counts.dump(-1, ' ', false, json::error_handler_t::replace));
  spdlog::default_logger()->flush();
}

}  // namespace

tl::expected<SessionEnd, std::string> run_session(const SessionPlan& plan) {
  // Left to the process' end when a thread of it could not be ended.
  auto session = std::make_unique<Session>(plan);
  auto end = session->run();
  if (end && !end->orderly) static_cast<void>(session.release());
  return end;
}

}  // namespace strop::agent
