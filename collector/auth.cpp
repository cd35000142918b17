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
// Half-open connections are found by TCP's own means. ZMTP's heartbeats would abort the process:
// libzmq 4.3 says its PING even where the other end has gone while its input waited for us.
constexpr int kKeepaliveIdleS = 10;
constexpr int kKeepaliveEveryS = 5;
constexpr int kUnansweredMs = 30000;  // then the connection ends
// A little above what a frame may have: who goes over it is told and logged; who goes over this is
// cut off by libzmq without a word.
constexpr std::int64_t kMaxReadBytes = schema::kMaxMessageBytes + (64 << 10);
constexpr int kReceiveQueue = 4;  // messages a connection, of up to 1 MiB each
constexpr int kSendQueue = 256;   // answers are small
constexpr int kBacklog = 4096;  // a whole team may knock at once; what finds no place waits seconds

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

zmq::socket_t make_router(zmq::context_t& context, const schema::CurveKey* key) {
  zmq::socket_t router(context, zmq::socket_type::router);
  router.set(zmq::sockopt::router_mandatory, true);  // else answers to the gone vanish silently
  router.set(zmq::sockopt::maxmsgsize, kMaxReadBytes);
  router.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  router.set(zmq::sockopt::tcp_keepalive, 1);
  router.set(zmq::sockopt::tcp_keepalive_idle, kKeepaliveIdleS);
  router.set(zmq::sockopt::tcp_keepalive_intvl, kKeepaliveEveryS);
  router.set(zmq::sockopt::tcp_maxrt, kUnansweredMs);
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

ZapHandler::ZapHandler(zmq::context_t& context, Doorkeeper& keeper, Metrics& metrics,
                       KnockLimits limits)
    : keeper_(keeper),
      metrics_(metrics),
      socket_(context, zmq::socket_type::rep),
      by_key_(limits.by_key),
      by_address_(limits.refused_by_address) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(kZapEndpoint);
}

void ZapHandler::handle(Moment now) {
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
    const std::string address = parts.size() > 3 ? parts[3].to_string() : std::string();
    const std::string request = parts.size() > 1 ? parts[1].to_string() : std::string();
    const std::string objection =
        well_formed ? keeper_.objection(key, now) : "a question that makes no sense";
    if (knocks_too_often(address, key, !objection.empty(), now)) {
      ++metrics_.handshakes_throttled;
      reply(request, "500", "knocks too often", key);
      continue;
    }
    if (!objection.empty()) {
      ++metrics_.keys_refused;
      log_refusal(address, key, objection, now.steady_ms);
    }
    reply(request, objection.empty() ? "200" : "400", objection.empty() ? "OK" : objection, key);
  }
}

bool ZapHandler::knocks_too_often(const std::string& address, const std::string& key, bool objected,
                                  Moment now) {
  const bool known = keeper_.allowed(now).name_of(key).has_value();
  const bool too_often = known      ? !by_key_.use(key, now.steady_ms)
                         : objected ? !by_address_.use(address, now.steady_ms)
                                    : by_address_.is_spent(address, now.steady_ms);
  if (too_often && logging_ && throttling_logged_.now(now.steady_ms))
    log_warn("handshake_throttled",
             {{"address", address},
              {"key", key},
              {"throttled_so_far", std::to_string(metrics_.handshakes_throttled + 1)}});
  return too_often;
}

void ZapHandler::log_refusal(const std::string& address, const std::string& key,
                             const std::string& reason, double now_ms) {
  if (!logging_ || !refusals_logged_.now(now_ms)) return;
  log_warn("key_refused", {{"address", address},
                           {"key", key},
                           {"reason", reason},
                           {"refused_so_far", std::to_string(metrics_.keys_refused)}});
}

void ZapHandler::reply(const std::string& request_id, const char* status, const std::string& text,
                       const std::string& key) {
  const std::array<zmq::const_buffer, 6> parts{zmq::str_buffer("1.0"), zmq::buffer(request_id),
                                               zmq::buffer(status, 3), zmq::buffer(text),
                                               zmq::buffer(key),       zmq::const_buffer()};
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
    zap.handle(now_by_clocks());
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

Caller caller_of(zmq::message_t& body, Doorkeeper& keeper, Moment now) {
  const char* const key = zmq_msg_gets(body.handle(), "User-Id");
  if (key == nullptr) return {"", false, "", ""};
  const char* const address = zmq_msg_gets(body.handle(), "Peer-Address");
  return keeper.caller(key, address != nullptr ? address : "", now);
}

Moment now_by_clocks() {
  return {steady_ms(), std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count()};
}

}  // namespace strop::collector
