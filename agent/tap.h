// The queue between relaying and capture: what was said, in order, for a thread that reads it
// later.
//
// Owns the items. Any thread pushes, one takes. Bounded in items and in bytes: what does not fit is
// dropped and counted, and the reader is told at the place where it is missing (kLost); a push
// never waits for the reader. (With `patient` it does: for simulated time, where there is no one to
// keep waiting.) The reader takes messages by the lot: it looks at the first one `gather` after it
// came, or when much has come, so that it does not wake, and compete with what relays, for
// every single one. Times are milliseconds of the Clock. No errors.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "agent/suggestion_tracker.h"

namespace strop::agent {

struct TapItem {
  enum class Kind {
    kMessage,   // body, direction
    kProvided,  // note: the next answer to request_id is the provider's own
    kTime,      // only that it is t_ms now
    kLost       // messages are missing here
  };
  Kind kind = Kind::kMessage;
  Direction direction = Direction::kClientToServer;
  std::string body;
  double t_ms = 0;
  std::string request_id;  // JSON text
  ProviderNote note;

  std::size_t bytes() const { return body.size() + request_id.size() + sizeof(TapItem); }
};

struct TapLimits {
  std::size_t items = 8192;
  std::size_t bytes = 64u << 20;
  bool patient = false;
  std::chrono::milliseconds gather{250};  // not where patient
  std::size_t gather_bytes = 1u << 20;    // no longer than that: it stays in the cache
};

struct TapCounts {
  std::uint64_t pushed = 0;
  std::uint64_t dropped = 0;
};

class Tap {
 public:
  explicit Tap(TapLimits limits = {}) : limits_(limits) {}

  // False: dropped. Does not wake the reader: that is for wake(), once the message is on its way.
  bool push(TapItem item);
  void wake() { readable_.notify_one(); }

  // Something is missing here that was never to be pushed.
  void lose(double t_ms);

  // The next item. Nothing: `patience` ran out, or closed and empty.
  std::optional<TapItem> take(std::chrono::milliseconds patience);

  // What is in the queue can still be taken; what comes now is dropped.
  void close();
  bool finished() const;  // closed and empty
  TapCounts counts() const;

 private:
  bool has_room(std::size_t bytes) const;
  bool has_gathered() const;
  void note_loss(double t_ms);
  void place_loss();

  const TapLimits limits_;
  mutable std::mutex queue_mutex_;
  std::condition_variable readable_;
  std::condition_variable gathered_;  // the reader lets messages gather
  std::condition_variable writable_;

  // Guarded by queue_mutex_.
  std::deque<TapItem> queue_;
  std::size_t bytes_ = 0;
  std::optional<double> lost_at_;  // a loss that has no place in the queue yet
  bool closed_ = false;
  TapCounts counts_;
};

}  // namespace strop::agent
