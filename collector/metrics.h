// What the collector counts about itself, for /metrics and /healthz.
//
// One object a process. Thread: written by the receiver's, read by any. Counts start at 0 with the
// process; sizes are bytes, times milliseconds of the Unix epoch.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "collector/durations.h"

namespace strop::collector {

inline constexpr std::size_t kMaxCode = 16;  // reject and NACK codes lie below it

struct Metrics {
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> batch_bytes{0};
  std::atomic<std::uint64_t> events_stored{0};
  std::atomic<std::uint64_t> events_duplicate{0};
  std::atomic<std::uint64_t> events_erased{0};
  std::atomic<std::uint64_t> events_expired{0};   // erased by their age, dead letters too
  std::atomic<std::uint64_t> events_scrubbed{0};  // a secret was found that the agent had let pass
  std::atomic<std::uint64_t> commit_failures{0};
  Durations commit_times;  // of those that went well
  std::atomic<std::uint64_t> sequence_lost{0};
  std::atomic<std::uint64_t> keys_refused{0};
  std::atomic<std::uint64_t> handshakes_failed{0};     // no CURVE, or too slow
  std::atomic<std::uint64_t> handshakes_throttled{0};  // too many by a key, or from an address
  std::atomic<std::uint64_t> sessions_refused{0};      // too many connections of a key
  std::atomic<std::uint64_t> connections_unheard{0};   // silent behind the handshake
  std::atomic<std::uint64_t> http_refused{0};          // foreign Host or Origin, or no token
  std::atomic<std::uint64_t> enrolments{0};            // tokens redeemed, keys announced
  std::atomic<std::uint64_t> enrolments_refused{0};    // ENROLs, those of the handshake not counted
  std::atomic<std::uint64_t> answers_dropped{0};       // the peer was gone or did not read
  std::atomic<std::uint64_t> peers{0};                 // now
  std::atomic<std::uint64_t> streams{0};               // now
  std::atomic<std::uint64_t> store_checked{0};  // 1: looked through since the start, and whole
  std::array<std::atomic<std::uint64_t>, kMaxCode> rejected{};  // by RejectCode
  std::array<std::atomic<std::uint64_t>, kMaxCode> nacked{};    // by NackCode
};

}  // namespace strop::collector
