// Load on collectors: events of a size, as fast as they are taken or at fixed times.
//
// Values and functions; one thread. Times are microseconds of the steady clock. Errors are
// exceptions.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "bench/collector_setup.h"

namespace strop::bench {

struct EventSize {
  const char* name;
  std::size_t bytes;
};

inline constexpr std::array<EventSize, 2> kEventSizes{{{"1 KB", 1 << 10}, {"12 KB", 12 << 10}}};
inline constexpr std::size_t kLoadingAgents = 16;

// The batches that all agents send, made before anything is measured.
class Load {
 public:
  explicit Load(const std::vector<std::string>& events);

  const PreparedBatch& next_large() { return next_of(large_, next_large_); }
  const PreparedBatch& next_small() { return next_of(small_, next_small_); }

 private:
  static const PreparedBatch& next_of(const std::vector<PreparedBatch>& batches, std::size_t& at) {
    return batches[at++ % batches.size()];
  }

  std::vector<PreparedBatch> large_;  // of 256 KB, as strop-agent ships a backlog
  std::vector<PreparedBatch> small_;  // of kSmallBatch events
  std::size_t next_large_ = 0;
  std::size_t next_small_ = 0;
};

inline constexpr std::size_t kSmallBatch = 8;

// Everything the agents hold goes out as fast as credits allow; events acknowledged a second.
double saturated_per_second(Crowd& crowd, Load& load, double seconds);

// Small batches at fixed times, whatever the answers: what is late waits on nobody's account. How
// long the acknowledgement of each took.
std::vector<double> open_loop_us(Crowd& crowd, Load& load, double per_second, double seconds);

}  // namespace strop::bench
