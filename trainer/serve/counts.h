// What the server has done, for /metrics.
//
// Atomics; any thread. Sizes are tokens and bytes. No errors.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace strop::trainer {

struct Counts {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::uint64_t> cancelled{0};
  std::atomic<std::uint64_t> prompt_tokens{0};
  std::atomic<std::uint64_t> reused_tokens{0};
  std::atomic<std::uint64_t> generated_tokens{0};
  std::atomic<std::uint64_t> cache_hits{0};
  std::atomic<std::uint64_t> cache_misses{0};
  std::atomic<std::uint64_t> adapter_switches{0};
  std::atomic<std::uint64_t> steps{0};
  std::atomic<std::uint64_t> cache_bytes{0};
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> waiting{0};
};

// In Prometheus' text form.
std::string metrics_text(const Counts& counts);

}  // namespace strop::trainer
