// The time that captured messages are stamped with: the system's, or what the client announces.
//
// Any thread. Milliseconds of the Unix epoch; of whatever the client counts in client mode, which
// makes runs of the simulated developer deterministic and faster than life. No errors.
#pragma once

#include <atomic>
#include <chrono>

namespace strop::agent {

// The notification that carries the client's time: {"t_ms": N}. Swallowed in client mode.
inline constexpr const char* kClockMethod = "$/strop/clock";

class Clock {
 public:
  enum class Kind { kSystem, kClient };

  explicit Clock(Kind kind = Kind::kSystem) : kind_(kind) {}

  bool of_client() const { return kind_ == Kind::kClient; }

  double now_ms() const {
    if (of_client()) return announced_.load(std::memory_order_acquire);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::milli>(now).count();
  }

  // Client mode only; an earlier time than the last is passed over.
  void announce(double t_ms) {
    double last = announced_.load(std::memory_order_relaxed);
    while (t_ms > last && !announced_.compare_exchange_weak(last, t_ms)) {
    }
  }

 private:
  Kind kind_;
  std::atomic<double> announced_{0};
};

}  // namespace strop::agent
