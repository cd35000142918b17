// The one thread that owns the ROUTER socket: reads frames, commits them in groups, answers.
//
// Ownership: borrows everything it is made of. Thread: construct and run on the same one; `stop`
// and `Health` from any, `stop` also from a signal handler. Errors: a port in use or a failed
// self-test is an exception of the constructor; a store past use one of `run`.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "collector/auth.h"
#include "collector/door_watch.h"
#include "collector/even_clock.h"
#include "collector/health.h"
#include "collector/intake.h"

namespace strop::collector {

// What CURVE needs; absent on a loopback connection without keys.
struct Door {
  schema::CurveKey key;
  Doorkeeper* keeper = nullptr;
  KnockLimits limits;
};

class Receiver {
 public:
  Receiver(zmq::context_t& context, const std::string& bind, std::optional<Door> door,
           Intake& intake, Metrics& metrics, Health& health);

  // Where it listens, with the port that was given when any was asked for.
  const std::string& endpoint() const { return endpoint_; }

  // Until `stop`; then commits and answers what it has read, says BYE and returns.
  void run();
  void stop() noexcept;

 private:
  void bind(const std::string& address);
  bool read_one();
  void read_what_waits();
  void send(const std::vector<Answer>& answers);
  void every_second(double now_ms);

  Intake& intake_;  // constant after construction
  Metrics& metrics_;
  Health& health_;
  const std::optional<Door> door_;
  std::optional<ZapHandler> zap_;
  zmq::socket_t router_;
  std::optional<DoorWatch> watch_;
  std::string endpoint_;
  const EvenClock even_clock_;

  double last_second_ms_ = 0;
  std::atomic<bool> stopping_{false};
};

}  // namespace strop::collector
