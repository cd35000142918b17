// Tells of those who came to the door and did not get through the handshake: who speaks no CURVE,
// says nothing, or says it too slowly. libzmq turns them away by itself. And of those who got
// through and were not heard within some seconds: agents say HELLO at once, but a connection with
// another's routing id is never read by libzmq.
//
// Owns the monitor of one ROUTER socket, which must outlive it. The receiver's thread. Counted, and
// logged at most once a second. One that libzmq ends without a reason is told at once from a
// connection that did its work where nobody else shook hands meanwhile; else it is counted once the
// books show, new arrivals left aside, that fewer handshakes ended than connections came.
#pragma once

#include <cstdint>
#include <map>
#include <vector>
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
  // This message of the ROUTER's was read.
  void heard(zmq::message_t& message);
  // All that waits. `all_read`: no message waits at the ROUTER, so who was not heard is silent.
  // Milliseconds of any steady clock.
  void handle(double now_ms, bool all_read);

 private:
  struct Arrival {
    std::uint64_t ended_handshakes = 0;  // until then
    double at_ms = 0;
    bool settled = false;  // was heard, or told of
  };

  void take_all(double now_ms);
  void take(std::uint16_t event, std::uint32_t value, double now_ms);
  void balance(double now_ms);
  void find_unheard(double now_ms);
  void note_failure(const char* why, double now_ms);

  zmq::socket_t& router_;
  Metrics& metrics_;
  zmq::socket_t monitor_;
  std::uint64_t arrived_ = 0;
  std::uint64_t ended_handshakes_ = 0;     // well or not, as far as libzmq tells
  std::uint64_t silent_failures_ = 0;      // of which it does not tell
  std::map<std::uint32_t, Arrival> open_;  // by descriptor
  std::vector<std::uint32_t> heard_;       // descriptors, since the last look
  double balanced_ms_ = 0;
  OnceASecond logged_;
  OnceASecond unheard_logged_;
};

}  // namespace strop::collector
