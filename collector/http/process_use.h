// What this process takes of its machine, as Prometheus' client libraries tell it of theirs.
//
// Free function, any thread; reads /proc/self. What cannot be read is 0. Sizes are bytes, times
// seconds.
#pragma once

#include <cstdint>

namespace strop::collector {

struct ProcessUse {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t most_open_files = 0;
};

ProcessUse process_use();

}  // namespace strop::collector
