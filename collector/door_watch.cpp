#include "collector/door_watch.h"

#include <cstring>
#include <string>

#include "collector/log.h"

namespace strop::collector {
namespace {

constexpr const char* kAddress = "inproc://strop-door-watch";
constexpr int kWatched = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

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

void DoorWatch::handle(double now_ms) {
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
      open_[value] = ended_handshakes_;
      break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:  // the ZAP handler has told of it
      ++ended_handshakes_;
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      ++ended_handshakes_;
      note_failure("does not speak CURVE as agents do", now_ms);
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      ++ended_handshakes_;
      note_failure("went away, or was too slow", now_ms);
      break;
    case ZMQ_EVENT_DISCONNECTED: {
      const auto found = open_.find(value);
      if (found == open_.end()) break;
      if (found->second == ended_handshakes_) note_failure("is no agent of today", now_ms);
      open_.erase(found);
      break;
    }
    default:
      break;
  }
}

void DoorWatch::note_failure(const char* why, double now_ms) {
  ++metrics_.handshakes_failed;
  if (logged_.now(now_ms))
    log_warn("handshake_failed",
             {{"why", why}, {"failed_so_far", std::to_string(metrics_.handshakes_failed)}});
}

}  // namespace strop::collector
