#include "collector/auth.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>
#include <zmq_addon.hpp>

#include "collector/log.h"
#include "collector/usage.h"
#include "schema/wire.h"

namespace strop::collector {
namespace {

constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";
constexpr const char* kZapDomain = "strop";
constexpr int kHandshakeMs = 3000;
constexpr int kTransportHeartbeatMs = 10000;  // finds half-open TCP
constexpr int kTransportTimeoutMs = 30000;
constexpr int kReceiveQueue = 4;  // messages a connection, of up to 1 MiB each
constexpr int kSendQueue = 256;   // answers are small
constexpr int kBacklog = 4096;  // a whole team may knock at once; what finds no place waits seconds

bool same(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

double steady_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string z85_of(const zmq::message_t& raw) {
  std::array<char, 41> out{};
  zmq_z85_encode(out.data(), raw.data<std::uint8_t>(), raw.size());
  return out.data();
}

}  // namespace

bool LiveAllowList::Stamp::operator==(const Stamp& other) const {
  return inode == other.inode && size == other.size && same(modified, other.modified) &&
         same(changed, other.changed);
}

LiveAllowList::LiveAllowList(const std::filesystem::path& keys)
    : keys_(keys), file_(allow_list_file(keys)) {
  const auto list = read_allow_list(keys);
  if (!list) throw UsageError(list.error());
  stamp_ = look();
  load();
}

LiveAllowList::Stamp LiveAllowList::look() const {
  struct stat facts {};
  if (::stat(file_.c_str(), &facts) != 0) return {};
  return {facts.st_ino, facts.st_size, facts.st_mtim, facts.st_ctim};
}

// False: it could not be read, and the list is as it was.
bool LiveAllowList::load() {
  const auto text = allow_list_text(keys_);
  if (!text) {
    log_error("allow_list_unreadable",
              {{"error", text.error()},
               {"in_force", std::to_string(list_.names_by_key().size()) + " keys, as before"}});
    return false;
  }
  std::vector<int> bad;
  list_ = AllowList::parse(*text, &bad);
  for (const int line : bad) log_error("allow_list_bad_line", {{"line", std::to_string(line)}});
  return true;
}

const AllowList& LiveAllowList::current(double now_ms) {
  if (now_ms - looked_ms_ < kLookEveryMs) return list_;
  looked_ms_ = now_ms;
  const Stamp stamp = look();
  if (stamp == stamp_) return list_;
  stamp_ = stamp;
  if (load())
    log_info("allow_list_changed", {{"keys", std::to_string(list_.names_by_key().size())}});
  return list_;
}

zmq::socket_t make_router(zmq::context_t& context, const schema::CurveKey* key) {
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::router_mandatory, true);  // else answers to the gone vanish silently
  router.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(schema::kMaxMessageBytes));
  router.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  router.set(zmq::sockopt::heartbeat_ivl, kTransportHeartbeatMs);
  router.set(zmq::sockopt::heartbeat_timeout, kTransportTimeoutMs);
  router.set(zmq::sockopt::rcvhwm, kReceiveQueue);
  router.set(zmq::sockopt::sndhwm, kSendQueue);
  router.set(zmq::sockopt::backlog, kBacklog);
  if (key != nullptr) {
    router.set(zmq::sockopt::curve_server, true);
    router.set(zmq::sockopt::curve_secretkey, key->secret_key);
    router.set(zmq::sockopt::zap_domain, kZapDomain);
  }
  return router;
}

ZapHandler::ZapHandler(zmq::context_t& context, LiveAllowList& allowed, Metrics& metrics)
    : allowed_(allowed), metrics_(metrics), socket_(context, zmq::socket_type::rep) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(kZapEndpoint);
}

void ZapHandler::handle(double now_ms) {
  // Parts by RFC 27: version, request id, domain, address, routing id, mechanism, credentials.
  constexpr std::size_t kParts = 7;
  constexpr std::size_t kKeyBytes = 32;
  for (;;) {
    std::vector<zmq::message_t> parts;
    if (!zmq::recv_multipart(socket_, std::back_inserter(parts), zmq::recv_flags::dontwait)) return;
    const bool well_formed = parts.size() == kParts && parts[0].to_string_view() == "1.0" &&
                             parts[2].to_string_view() == kZapDomain &&
                             parts[5].to_string_view() == "CURVE" && parts[6].size() == kKeyBytes;
    const std::string key = well_formed ? z85_of(parts[6]) : std::string();
    const bool good = well_formed && allowed_.current(now_ms).name_of(key).has_value();
    if (!good) {
      ++metrics_.keys_refused;
      log_refusal(parts.size() > 3 ? parts[3].to_string() : std::string(), key, now_ms);
    }
    reply(parts.size() > 1 ? parts[1].to_string() : std::string(), good, key);
  }
}

// At most one line a second: a stranger who knocks all day must not fill the disk.
void ZapHandler::log_refusal(const std::string& address, const std::string& key, double now_ms) {
  if (!logging_ || now_ms - logged_ms_ < 1000) return;
  logged_ms_ = now_ms;
  log_warn("key_refused", {{"address", address},
                           {"key", key},
                           {"refused_so_far", std::to_string(metrics_.keys_refused)}});
}

void ZapHandler::reply(const std::string& request_id, bool good, const std::string& user) {
  const std::array<zmq::const_buffer, 6> parts{
      zmq::str_buffer("1.0"),
      zmq::buffer(request_id),
      good ? zmq::str_buffer("200") : zmq::str_buffer("400"),
      good ? zmq::str_buffer("OK") : zmq::str_buffer("not on the allow-list"),
      zmq::buffer(user),
      zmq::const_buffer()};
  zmq::send_multipart(socket_, parts);
}

void prove_strangers_are_refused(zmq::context_t& context, const schema::CurveKey& key,
                                 ZapHandler& zap, int patience_ms) {
  zmq::socket_t door = make_router(context, &key);
  door.set(zmq::sockopt::linger, 0);
  door.bind("tcp://127.0.0.1:*");

  const schema::CurveKey stranger = make_key_pair();
  zmq::socket_t knocking(context, zmq::socket_type::dealer);
  knocking.set(zmq::sockopt::linger, 0);
  knocking.set(zmq::sockopt::curve_serverkey, key.public_key);
  knocking.set(zmq::sockopt::curve_publickey, stranger.public_key);
  knocking.set(zmq::sockopt::curve_secretkey, stranger.secret_key);
  const std::string monitor_address = "inproc://strop-self-test";
  if (zmq_socket_monitor(knocking.handle(), monitor_address.c_str(),
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0)
    throw std::runtime_error("self-test: cannot watch the handshake");
  zmq::socket_t monitor(context, zmq::socket_type::pair);
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect(monitor_address);
  knocking.connect(door.get(zmq::sockopt::last_endpoint));
  knocking.send(zmq::str_buffer("let me in"), zmq::send_flags::dontwait);

  std::vector<zmq::pollitem_t> items{{zap.socket().handle(), 0, ZMQ_POLLIN, 0},
                                     {door.handle(), 0, ZMQ_POLLIN, 0},
                                     {monitor.handle(), 0, ZMQ_POLLIN, 0}};
  const double until = steady_ms() + patience_ms;
  while (steady_ms() < until) {
    const int left = std::max(1, static_cast<int>(until - steady_ms()));
    zmq::poll(items, std::chrono::milliseconds(left));
    zap.handle(steady_ms());
    if (items[1].revents != 0)
      throw std::runtime_error("self-test: a stranger's message was let in; refusing to serve");
    if (items[2].revents == 0) continue;
    zmq::message_t event;
    if (!monitor.recv(event, zmq::recv_flags::dontwait) || event.size() < sizeof(std::uint16_t))
      continue;
    if (*event.data<std::uint16_t>() == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
      zmq_socket_monitor(knocking.handle(), nullptr, 0);
      return;
    }
    throw std::runtime_error("self-test: a stranger's key was accepted; refusing to serve");
  }
  throw std::runtime_error(
      "self-test: a stranger's key was not plainly refused; refusing to serve");
}

std::optional<std::string> user_of(zmq::message_t& body, LiveAllowList& allowed, double now_ms) {
  const char* key = zmq_msg_gets(body.handle(), "User-Id");
  if (key == nullptr) return std::nullopt;
  return allowed.current(now_ms).name_of(key);
}

}  // namespace strop::collector
