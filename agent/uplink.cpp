#include "agent/uplink.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include "agent/shipment.h"
#include "agent/spool_files.h"
#include "agent/spool_store.h"
#include "agent/uplink_socket.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr double kPauseLookMs = 500;
constexpr int kHeartbeats = 3;
constexpr int kHeartbeatsOfOneOfSeveral = 2;  // there is somebody else to turn to
constexpr std::size_t kMaxFramesAtOnce = 64;

double steady_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double unix_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

// The collector's public key, and where it was announced the next.
tl::expected<std::vector<std::string>, std::string> read_server_keys(const fs::path& file) {
  const auto text = read_from(file);
  if (!text)
    return tl::unexpected("collector.server_key_file: cannot read " + file.string() +
                          "; it holds the public key that `strop-collector keys generate` printed");
  std::vector<std::string> keys;
  std::istringstream lines(*text);
  for (std::string key; std::getline(lines, key);) {
    key.erase(key.find_last_not_of(" \r") + 1);
    if (key.starts_with("public ")) key.erase(0, 7);
    if (!key.empty()) keys.push_back(std::move(key));
  }
  const bool good = std::all_of(keys.begin(), keys.end(), schema::is_curve_key);
  if (good && (keys.size() == 1 || keys.size() == 2)) return keys;
  return tl::unexpected("collector.server_key_file: " + file.string() +
                        " does not hold one public key of 40 characters, or two: one a line, the "
                        "collector's and the one it is to have next");
}

}  // namespace

tl::expected<std::string, std::string> host_of_collector(const std::string& endpoint) {
  constexpr std::string_view kScheme = "tcp://";
  const auto refused = tl::unexpected("collector.endpoint: \"" + endpoint +
                                      "\" is not tcp://HOST:PORT, such as "
                                      "\"tcp://collector.example:7341\"");
  if (!endpoint.starts_with(kScheme)) return refused;
  const std::string rest = endpoint.substr(kScheme.size());
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string::npos || colon == 0) return refused;
  const std::string port = rest.substr(colon + 1);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(port) < 1 || std::stoi(port) > 65535) return refused;
  return rest.substr(0, colon);
}

tl::expected<UplinkOptions, std::string> read_uplink_options(const Config& config) {
  UplinkOptions options;
  options.state = config.state;
  options.limits = config.spool;
  options.endpoints = config.collector.endpoints;
  if (options.endpoints.empty()) return options;
  for (const std::string& endpoint : options.endpoints) {
    const auto host = host_of_collector(endpoint);
    if (!host) return tl::unexpected(host.error());
    if (config.collector.plain && !is_loopback(*host))
      return tl::unexpected(
          "collector.plain: events travel without encryption on loopback alone, " + *host +
          " is beyond it; give server_key_file and key_file instead");
  }
  if (config.collector.plain) return options;
  if (config.collector.server_key_file.empty() || config.collector.key_file.empty())
    return tl::unexpected(
        std::string("collector: an endpoint needs server_key_file and key_file, which whoever runs "
                    "the collector makes with `strop-collector keys generate`"));
  auto server_keys = read_server_keys(config.collector.server_key_file);
  if (!server_keys) return tl::unexpected(server_keys.error());
  auto key = schema::read_curve_key(config.collector.key_file);
  if (!key) return tl::unexpected("collector.key_file: " + key.error());
  options.server_key = server_keys->front();
  if (server_keys->size() > 1) options.next_server_key = server_keys->back();
  options.key = std::move(*key);
  options.key_file = config.collector.key_file;
  options.server_key_file = config.collector.server_key_file;
  return options;
}

class Uplink::Impl {
 public:
  explicit Impl(UplinkOptions options)
      : options_(std::move(options)),
        spool_(spool_folder(options_.state)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        random_(std::random_device{}()) {
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), "uplink");
  }
  ~Impl() { stop(); }

  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
  }

  void stop() {
    stopping_.store(true);
    wake();
    const std::lock_guard lock(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  UplinkStatus status() const {
    const std::lock_guard lock(status_mutex_);
    return status_;
  }

 private:
  void run();
  bool prepare();
  void round();
  void look(double now);
  void look_soon(double now);
  void tend_connection(double now);
  void begin_shipment();
  void read_keys();
  void connect(double now);
  void exchange(double now);
  void disconnect(double now, const std::string& why, bool refused);
  void wait(double now);
  void publish();
  double until_next(double now) const;
  bool several() const { return options_.endpoints.size() > 1; }
  const std::string& endpoint() const { return options_.endpoints[endpoint_at_]; }

  const UplinkOptions options_;
  const fs::path spool_;
  FileDescriptor wake_;
  std::atomic<bool> stopping_{false};

  std::mutex join_mutex_;
  std::thread thread_;

  mutable std::mutex status_mutex_;
  UplinkStatus status_;

  // The thread's own.
  std::mt19937_64 random_;
  std::optional<FileLock> shipping_;
  std::optional<Shipment> shipment_;
  zmq::context_t context_;
  std::optional<UplinkSocket> socket_;
  struct Keys {
    std::optional<schema::CurveKey> mine;
    std::string server;
    std::string next_server;
  };
  Keys keys_{options_.key, options_.server_key, options_.next_server_key};
  bool greeted_ = false;
  bool try_next_key_ = false;
  bool paused_ = false;
  double opened_ms_ = 0;
  double connect_at_ms_ = 0;
  double backoff_ms_ = 0;
  std::size_t endpoint_at_ = 0;
  std::size_t tried_ = 0;  // of the endpoints, in this round
  bool welcomed_here_ = false;
  bool unanswered_ = false;  // somebody did not, in this round
  double look_at_ms_ = 0;
  double look_every_ms_ = options_.look_ms;
  double tidy_at_ms_ = 0;
  double pause_at_ms_ = 0;
  std::vector<std::string> unsent_;
  std::string trouble_;
};

void Uplink::Impl::run() {
  // Never preempts what relays when it wakes.
  const sched_param usual{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &usual);
  while (!stopping_.load()) {
    try {
      if (prepare()) round();
    } catch (const std::exception& error) {
      disconnect(steady_ms(), error.what(), false);
    }
    publish();
    if (!stopping_.load()) wait(steady_ms());
  }
  if (shipment_) shipment_->save();
  if (socket_) socket_->part(schema::encode(schema::Bye{}));
  socket_.reset();
  context_.close();
}

// The lock, and who we are. False: another agent works, or it cannot be.
bool Uplink::Impl::prepare() {
  std::error_code error;
  if (!shipping_ && fs::exists(spool_, error))
    shipping_ = FileLock::try_take(shipping_lock_file(spool_), FileLock::Kind::kAlone);
  if (!shipping_) return false;
  if (shipment_ || options_.endpoints.empty()) return true;
  begin_shipment();
  return true;
}

void Uplink::Impl::begin_shipment() {
  const auto install = install_id(options_.state);
  if (!install) throw std::runtime_error(install.error());
  // `strop-agent new-install` may have changed it.
  if (shipment_ && shipment_->install() == *install) return;
  shipment_.emplace(
      ShipmentOptions{options_.state, *install, "strop-agent " STROP_VERSION, options_.max_batch});
  look_at_ms_ = 0;
}

void Uplink::Impl::round() {
  const double now = steady_ms();
  if (now >= pause_at_ms_) {
    paused_ = options_.is_paused && options_.is_paused();
    pause_at_ms_ = now + kPauseLookMs;
  }
  if (now >= tidy_at_ms_) {
    if (shipment_) shipment_->save();
    const auto tidied =
        SpoolStore(options_.state).tidy({options_.limits, options_.grace_ms, unix_ms()});
    if (!tidied) spdlog::warn("uplink: {}", tidied.error());
    if (shipment_ && !shipment_->look(true)) look_soon(now);
    if (const auto install = install_id(options_.state);
        shipment_ && install && *install != shipment_->install()) {
      if (socket_) socket_->part(schema::encode(schema::Bye{}));
      disconnect(now, "this machine is another install from now on", false);
    }
    tidy_at_ms_ = steady_ms() + options_.tidy_ms;
  }
  if (!shipment_) return;
  look(now);
  if (paused_) {
    if (socket_) socket_->part(schema::encode(schema::Bye{}));
    socket_.reset();
    return;
  }
  tend_connection(now);
}

void Uplink::Impl::look(double now) {
  if (now < look_at_ms_) return;
  shipment_->save();
  shipment_->look();
  look_at_ms_ = now + look_every_ms_;
  look_every_ms_ = std::min(look_every_ms_ * 2, options_.look_max_ms);
}

// Something goes on: what belongs to it is not left for long.
void Uplink::Impl::look_soon(double now) {
  look_every_ms_ = options_.look_ms;
  look_at_ms_ = std::min(look_at_ms_, now + look_every_ms_);
}

void Uplink::Impl::tend_connection(double now) {
  if (!socket_) {
    if (now >= connect_at_ms_ && !shipment_->empty()) connect(now);
    return;
  }
  socket_->watch();
  if (!socket_->fault().empty()) {
    unanswered_ = unanswered_ || (!greeted_ && !socket_->is_refused());
    return disconnect(now, socket_->fault(), false);
  }
  if (socket_->is_open()) exchange(now);
  if (!socket_) return;
  if (greeted_ && shipment_->fell_silent(now, several() ? kHeartbeatsOfOneOfSeveral : kHeartbeats))
    return disconnect(now, endpoint() + " has fallen silent", false);
  if (several() && greeted_ && shipment_->refused_for(now) > options_.refused_ms) {
    socket_->part(schema::encode(schema::Bye{}));
    return disconnect(now, endpoint() + " cannot store: " + shipment_->trouble(), false);
  }
  if (!(greeted_ && shipment_->welcomed()) && now - opened_ms_ > options_.answer_ms) {
    unanswered_ = unanswered_ || !greeted_;
    disconnect(now, endpoint() + " gives no answer; check collector.endpoint and the network",
               false);
  }
}

void Uplink::Impl::connect(double now) {
  begin_shipment();
  if (shipment_->empty()) return;
  read_keys();
  socket_.emplace(context_, UplinkAddress{endpoint(), keys_.mine,
                                          try_next_key_ ? keys_.next_server : keys_.server});
  greeted_ = false;
  opened_ms_ = now;
  unsent_.clear();
}

// `strop-agent join --rotate` may have changed them, or whoever runs the collector.
void Uplink::Impl::read_keys() {
  if (options_.key_file.empty()) return;
  if (const auto mine = schema::read_curve_key(options_.key_file)) keys_.mine = *mine;
  if (const auto servers = read_server_keys(options_.server_key_file)) {
    keys_.server = servers->front();
    keys_.next_server = servers->size() > 1 ? servers->back() : "";
  }
  if (keys_.next_server.empty()) try_next_key_ = false;
}

void Uplink::Impl::exchange(double now) {
  if (!greeted_) {
    shipment_->connected(now);
    greeted_ = true;
  }
  for (std::size_t i = 0; i < kMaxFramesAtOnce; ++i) {
    const auto bytes = socket_->receive();
    if (!bytes) break;
    look_soon(now);
    const auto frame = schema::decode(*bytes);
    const auto verdict = frame ? shipment_->on_frame(*frame, now) : Shipment::Verdict::kReconnect;
    if (verdict == Shipment::Verdict::kGoOn) continue;
    if (verdict == Shipment::Verdict::kRefused) return disconnect(now, shipment_->trouble(), true);
    return disconnect(now, endpoint() + " ends the connection", false);
  }
  if (shipment_->welcomed()) {
    backoff_ms_ = 0;
    welcomed_here_ = true;
  }
  if (unsent_.empty()) unsent_ = shipment_->to_send(now);
  std::size_t sent = 0;
  while (sent < unsent_.size() && socket_->send(unsent_[sent])) ++sent;
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
}

// The next collector at once, or nearly; the same one, or all of them once more, after a while:
// every agent of a company would else come back at the same moment.
void Uplink::Impl::disconnect(double now, const std::string& why, bool refused) {
  if (why != trouble_) spdlog::warn("uplink: {}; what is captured waits in the spool", why);
  trouble_ = why;
  socket_.reset();
  if (shipment_) shipment_->save();
  endpoint_at_ = (endpoint_at_ + 1) % std::max<std::size_t>(options_.endpoints.size(), 1);
  if (welcomed_here_) {
    tried_ = 0;
    unanswered_ = false;
  }
  welcomed_here_ = false;
  const bool all_tried = ++tried_ >= options_.endpoints.size();
  if (all_tried) {
    tried_ = 0;
    // They may have the key by now that they are to have next.
    if (unanswered_ && !keys_.next_server.empty()) try_next_key_ = !try_next_key_;
    unanswered_ = false;
    backoff_ms_ =
        refused ? options_.reconnect_max_ms
                : std::clamp(backoff_ms_ * 2, options_.reconnect_min_ms, options_.reconnect_max_ms);
  }
  const double pause_ms = all_tried ? backoff_ms_ : options_.reconnect_min_ms;
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  connect_at_ms_ = now + pause_ms * jitter(random_);
}

void Uplink::Impl::publish() {
  const std::lock_guard lock(status_mutex_);
  status_.holds_lock = shipping_.has_value();
  status_.connected = socket_ && greeted_ && shipment_->welcomed();
  if (status_.connected) trouble_.clear();
  if (shipment_) {
    status_.shipped = shipment_->counts().shipped;
    status_.acked = shipment_->counts().acked;
    status_.rejected = shipment_->counts().rejected;
  }
  status_.trouble = !trouble_.empty() ? trouble_ : shipment_ ? shipment_->trouble() : "";
}

double Uplink::Impl::until_next(double now) const {
  if (!shipping_) return options_.lock_retry_ms;
  double next = tidy_at_ms_;
  if (shipment_) {
    next = std::min(next, look_at_ms_);
    if (!socket_ && !paused_ && !shipment_->empty()) next = std::min(next, connect_at_ms_);
    if (socket_ && greeted_) next = std::min(next, shipment_->next_deadline(now));
    if (socket_ && !greeted_) next = std::min(next, opened_ms_ + options_.answer_ms);
  }
  return next - now;
}

void Uplink::Impl::wait(double now) {
  const auto patience = std::chrono::milliseconds(
      static_cast<long>(std::ceil(std::clamp(until_next(now), 1.0, 1000.0))));
  std::vector<zmq::pollitem_t> items{{nullptr, wake_.get(), ZMQ_POLLIN, 0}};
  if (socket_) {
    const short wanted =
        static_cast<short>(unsent_.empty() ? ZMQ_POLLIN : ZMQ_POLLIN | ZMQ_POLLOUT);
    items.push_back({socket_->socket(), 0, wanted, 0});
    items.push_back({socket_->monitor(), 0, ZMQ_POLLIN, 0});
  }
  try {
    zmq::poll(items, patience);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
  if ((items[0].revents & ZMQ_POLLIN) == 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
  look_at_ms_ = 0;
  look_every_ms_ = options_.look_ms;
}

Uplink::Uplink(UplinkOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Uplink::~Uplink() = default;
void Uplink::wake() { impl_->wake(); }
void Uplink::stop() { impl_->stop(); }
UplinkStatus Uplink::status() const { return impl_->status(); }

}  // namespace strop::agent
