// Tells of those who came to the door and did not get through the handshake: who speaks no CURVE,
// says nothing, or says it too slowly. libzmq turns them away by itself.
//
// Owns the monitor of one ROUTER socket, which must outlive it. The receiver's thread. Counted, and
// logged at most once a second. One that libzmq ends without a reason is told at once from a
// connection that did its work where nobody else shook hands meanwhile; else it is counted once the
// books show, new arrivals left aside, that fewer handshakes ended than connections came.
#pragma once

#include <cstdint>
#include <map>
#include <zmq.hpp>

#include "collector/metrics.h"
#include "collector/rate_limit.h"

namespace strop::collector {

class DoorWatch {
 public:
  DoorWatch(zmq::context_t& context, zmq::socket_t& router, Metrics& metrics);
  ~DoorWatch();
  DoorWatch(const DoorWatch&) = delete;
  DoorWatch& operator=(const DoorWatch&) = delete;

  // To be polled for reading.
  zmq::socket_t& socket() { return monitor_; }
  // All that waits. Milliseconds of any steady clock.
  void handle(double now_ms);

 private:
  struct Arrival {
    std::uint64_t ended_handshakes = 0;  // until then
    double at_ms = 0;
  };

  void take(std::uint16_t event, std::uint32_t value, double now_ms);
  void balance(double now_ms);
  void note_failure(const char* why, double now_ms);

  zmq::socket_t& router_;
  Metrics& metrics_;
  zmq::socket_t monitor_;
  std::uint64_t arrived_ = 0;
  std::uint64_t ended_handshakes_ = 0;     // well or not, as far as libzmq tells
  std::uint64_t silent_failures_ = 0;      // of which it does not tell
  std::map<std::uint32_t, Arrival> open_;  // by descriptor
  double balanced_ms_ = 0;
  OnceASecond logged_;
};

}  // namespace strop::collector
