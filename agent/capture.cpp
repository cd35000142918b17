#include "agent/capture.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

namespace strop::agent {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kIdle{1000};

}  // namespace

Capture::Capture(TrackerOptions options, Tap& tap, Clock& clock, EventSink& sink)
    : tracker_(std::move(options)), tap_(tap), clock_(clock), sink_(sink) {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "capture");
}

Capture::~Capture() {
  if (thread_.joinable()) thread_.join();
}

bool Capture::wait(milliseconds patience) {
  std::unique_lock lock(done_mutex_);
  return done_changed_.wait_for(lock, patience, [this] { return done_; });
}

// How long the tap may be waited for before time alone has something to do.
milliseconds Capture::patience() const {
  milliseconds longest = unsynced_ ? kSync : kIdle;
  const auto deadline = tracker_.next_deadline();
  // The client's time passes by its announcements, which come through the tap.
  if (!deadline || clock_.of_client()) return longest;
  const double left = std::ceil(*deadline - clock_.now_ms());
  return milliseconds(
      static_cast<long>(std::clamp(left, 0.0, static_cast<double>(longest.count()))));
}

template <class Work>
void Capture::guarded(const char* what, Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    ++counts_.faults;
    spdlog::error("capture: {}: {}", what, error.what());
  }
}

void Capture::run() {
  // Never preempts what relays when it wakes; its share of the processor stays the same.
  const sched_param usual{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &usual);
  synced_at_ = Steady::now();
  while (!tap_.finished()) {
    auto item = tap_.take(patience());
    const bool pause = !item;
    if (item)
      follow(std::move(*item));
    else
      let_time_pass();
    if (unsynced_ && (pause || Steady::now() - synced_at_ >= kSync)) {
      guarded("sync", [this] { sink_.sync(); });
      unsynced_ = false;
      synced_at_ = Steady::now();
    }
  }
  guarded("end", [this] { hand_on(tracker_.finish(clock_.now_ms())); });
  guarded("sync", [this] { sink_.sync(); });
  counts_.tracker = tracker_.counters();
  {
    const std::lock_guard lock(done_mutex_);
    done_ = true;
  }
  done_changed_.notify_all();
}

void Capture::follow(TapItem item) {
  try {
    switch (item.kind) {
      case TapItem::Kind::kMessage:
        ++counts_.messages;
        sink_.observe(item.direction, item.body);
        hand_on(tracker_.on_message(item.direction, item.body, item.t_ms));
        break;
      case TapItem::Kind::kProvided:
        tracker_.note_provider(item.request_id, std::move(item.note));
        break;
      case TapItem::Kind::kTime:
        hand_on(tracker_.on_time(item.t_ms));
        break;
      case TapItem::Kind::kLost:
        ++counts_.losses;
        hand_on(tracker_.on_drop(item.t_ms));
        break;
    }
  } catch (const std::exception& error) {
    ++counts_.faults;
    spdlog::error("capture: a message was lost: {}", error.what());
    guarded("loss", [&] { hand_on(tracker_.on_drop(item.t_ms)); });
  }
}

// Only when the tap is empty: a message that waits there is earlier than now.
void Capture::let_time_pass() {
  if (clock_.of_client()) return;
  const auto deadline = tracker_.next_deadline();
  const double now = clock_.now_ms();
  if (deadline && *deadline <= now) guarded("time", [&] { hand_on(tracker_.on_time(now)); });
}

void Capture::hand_on(const std::vector<schema::Event>& events) {
  for (const schema::Event& event : events) {
    sink_.take(event);
    ++counts_.events;
    unsynced_ = true;
  }
}

}  // namespace strop::agent
