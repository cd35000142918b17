// The capture thread: takes what the tap holds, follows the suggestions, hands their events to a
// sink.
//
// Owns the tracker and the thread; tap, clock and sink outlive it. The sink is called on the
// capture thread alone. A fault with one message is counted and taken as a loss; it never reaches
// relaying. Times are milliseconds of the clock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/clock.h"
#include "agent/suggestion_tracker.h"
#include "agent/tap.h"
#include "schema/event.h"

namespace strop::agent {

// Where events go: through the privacy gate to the spool; in tests, to a list.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void take(const schema::Event& event) = 0;
  // Called where there is a pause, at the latest every kSyncMs: what was taken is to be durable.
  virtual void sync() = 0;
  // A message from the client, before the tracker has it: for what else depends on the session,
  // such as the workspace it is in.
  virtual void observe(Direction direction, std::string_view body) = 0;
};

struct CaptureCounts {
  std::uint64_t messages = 0;
  std::uint64_t events = 0;
  std::uint64_t losses = 0;  // times that messages were missing
  std::uint64_t faults = 0;
  TrackerCounters tracker;
};

class Capture {
 public:
  static constexpr std::chrono::milliseconds kSync{200};

  Capture(TrackerOptions options, Tap& tap, Clock& clock, EventSink& sink);
  ~Capture();  // waits for the thread; the tap has to be closed

  // After the tap is closed: whether all that it held was followed to its end and is with the sink.
  bool wait(std::chrono::milliseconds patience);

  // REQUIRES: wait() gave true.
  const CaptureCounts& counts() const { return counts_; }

 private:
  void run();
  void follow(TapItem item);
  void let_time_pass();
  void hand_on(const std::vector<schema::Event>& events);
  std::chrono::milliseconds patience() const;
  template <class Work>
  void guarded(const char* what, Work work);

  SuggestionTracker tracker_;
  Tap& tap_;
  Clock& clock_;
  EventSink& sink_;
  CaptureCounts counts_;
  bool unsynced_ = false;
  std::chrono::steady_clock::time_point synced_at_;

  std::mutex done_mutex_;
  bool done_ = false;
  std::condition_variable done_changed_;
  std::thread thread_;
};

}  // namespace strop::agent
