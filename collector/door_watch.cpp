#include "collector/door_watch.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "collector/log.h"

namespace strop::collector {
namespace {

constexpr const char* kAddress = "inproc://strop-door-watch";
// Not HANDSHAKE_FAILED_PROTOCOL: libzmq 4.3 tells of it between finding that a message was altered
// and looking at errno, which the telling changes; the connection then stays for ever.
constexpr int kWatched = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
constexpr const char* kNoAgent = "does not speak CURVE as agents do";
constexpr double kBalanceEveryMs = 1000;
constexpr double kShakenByMs = 5000;  // libzmq gives a handshake less
constexpr double kHeardByMs = 8000;

// The other end's address, for the log.
std::string peer_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST] = "";
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, nullptr, 0,
                  NI_NUMERICHOST);
  return host;
}

}  // namespace

DoorWatch::DoorWatch(zmq::context_t& context, zmq::socket_t& router, Metrics& metrics)
    : router_(router), metrics_(metrics), monitor_(context, zmq::socket_type::pair) {
  if (zmq_socket_monitor(router.handle(), kAddress, kWatched) != 0) throw zmq::error_t();
  monitor_.set(zmq::sockopt::linger, 0);
  // libzmq's own thread would wait for us otherwise.
  monitor_.set(zmq::sockopt::rcvhwm, 0);
  monitor_.connect(kAddress);
}

DoorWatch::~DoorWatch() { zmq_socket_monitor(router_.handle(), nullptr, 0); }

void DoorWatch::heard(zmq::message_t& message) {
  const int descriptor = zmq_msg_get(message.handle(), ZMQ_SRCFD);
  if (descriptor >= 0) heard_.push_back(static_cast<std::uint32_t>(descriptor));
}

void DoorWatch::handle(double now_ms, bool all_read) {
  take_all(now_ms);
  // Behind the events, for the descriptor's own arrival may be one of them.
  for (const std::uint32_t descriptor : heard_)
    if (const auto found = open_.find(descriptor); found != open_.end())
      found->second.settled = true;
  heard_.clear();
  if (now_ms - balanced_ms_ < kBalanceEveryMs) return;
  balanced_ms_ = now_ms;
  balance(now_ms);
  if (all_read) find_unheard(now_ms);
}

void DoorWatch::take_all(double now_ms) {
  for (;;) {
    zmq::message_t event;
    zmq::message_t address;
    if (!monitor_.recv(event, zmq::recv_flags::dontwait)) return;
    if (event.more() && !monitor_.recv(address, zmq::recv_flags::dontwait)) return;
    std::uint16_t kind = 0;
    std::uint32_t value = 0;
    if (event.size() < sizeof kind + sizeof value) continue;
    std::memcpy(&kind, event.data(), sizeof kind);
    std::memcpy(&value, event.data<char>() + sizeof kind, sizeof value);
    take(kind, value, now_ms);
  }
}

void DoorWatch::take(std::uint16_t event, std::uint32_t value, double now_ms) {
  switch (event) {
    case ZMQ_EVENT_ACCEPTED:
      ++arrived_;
      open_[value] = {ended_handshakes_, now_ms, false};
      break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:  // the ZAP handler has told of it
      ++ended_handshakes_;
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      ++ended_handshakes_;
      note_failure("went away, or was too slow", now_ms);
      break;
    case ZMQ_EVENT_DISCONNECTED: {
      const auto found = open_.find(value);
      if (found == open_.end()) break;
      if (found->second.ended_handshakes == ended_handshakes_) {
        ++silent_failures_;
        note_failure(kNoAgent, now_ms);
      }
      open_.erase(found);
      break;
    }
    default:
      break;
  }
}

void DoorWatch::balance(double now_ms) {
  const auto young = static_cast<std::uint64_t>(std::count_if(
      open_.begin(), open_.end(),
      [now_ms](const auto& connection) { return now_ms - connection.second.at_ms < kShakenByMs; }));
  // Who is refused and goes before being told fails twice.
  arrived_ = std::max(arrived_, ended_handshakes_ + silent_failures_);
  for (; ended_handshakes_ + silent_failures_ + young < arrived_; ++silent_failures_)
    note_failure(kNoAgent, now_ms);
}

// Whoever is still connected by then has shaken hands.
void DoorWatch::find_unheard(double now_ms) {
  for (auto& [descriptor, connection] : open_) {
    if (connection.settled || now_ms - connection.at_ms < kHeardByMs) continue;
    connection.settled = true;
    ++metrics_.connections_unheard;
    if (unheard_logged_.now(now_ms))
      log_warn("connection_unheard",
               {{"why", "it says nothing, or has the routing id of another connection"},
                {"address", peer_of(static_cast<int>(descriptor))},
                {"so_far", std::to_string(metrics_.connections_unheard)}});
  }
}

void DoorWatch::note_failure(const char* why, double now_ms) {
  ++metrics_.handshakes_failed;
  if (logged_.now(now_ms))
    log_warn("handshake_failed",
             {{"why", why}, {"failed_so_far", std::to_string(metrics_.handshakes_failed)}});
}

}  // namespace strop::collector
