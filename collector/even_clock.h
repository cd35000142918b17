// Unix time that is never set: what it was at the start, and what has passed since.
//
// For what counts how long ago something was: whoever corrects the machine's clock makes nobody
// older or younger. Any thread. Milliseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace strop::collector {

class EvenClock {
 public:
  std::int64_t now_ms() const {
    const auto unix_time = start_ + (Steady::now() - started_);
    return std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count();
  }

 private:
  using Steady = std::chrono::steady_clock;
  const std::chrono::system_clock::duration start_ =
      std::chrono::system_clock::now().time_since_epoch();
  const Steady::time_point started_ = Steady::now();
};

}  // namespace strop::collector
