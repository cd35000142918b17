#include "agent/tap.h"

#include <utility>

namespace strop::agent {

bool Tap::has_room(std::size_t bytes) const {
  if (queue_.empty()) return true;  // one item of any size goes through
  return queue_.size() < limits_.items && bytes_ + bytes <= limits_.bytes;
}

void Tap::note_loss(double t_ms) {
  if (!lost_at_) lost_at_ = t_ms;
}

bool Tap::has_gathered() const {
  return queue_.size() >= limits_.items / 2 || bytes_ >= limits_.gather_bytes;
}

// A mark of loss is bounded by the items it stands between, so it needs no room.
void Tap::place_loss() {
  if (!lost_at_) return;
  TapItem mark;
  mark.kind = TapItem::Kind::kLost;
  mark.t_ms = *lost_at_;
  lost_at_.reset();
  bytes_ += mark.bytes();
  queue_.push_back(std::move(mark));
}

bool Tap::push(TapItem item) {
  const std::size_t bytes = item.bytes();
  std::unique_lock lock(queue_mutex_);
  if (limits_.patient) writable_.wait(lock, [&] { return closed_ || has_room(bytes); });
  if (closed_ || !has_room(bytes)) {
    ++counts_.dropped;
    note_loss(item.t_ms);
    return false;
  }
  place_loss();
  bytes_ += bytes;
  ++counts_.pushed;
  queue_.push_back(std::move(item));
  if (has_gathered()) gathered_.notify_one();
  return true;
}

void Tap::lose(double t_ms) {
  const std::lock_guard lock(queue_mutex_);
  note_loss(t_ms);
}

std::optional<TapItem> Tap::take(std::chrono::milliseconds patience) {
  std::unique_lock lock(queue_mutex_);
  const auto readable = [this] { return closed_ || lost_at_.has_value() || !queue_.empty(); };
  if (!readable() && readable_.wait_for(lock, patience, readable) && !limits_.patient)
    gathered_.wait_for(lock, limits_.gather, [this] { return closed_ || has_gathered(); });
  if (queue_.empty()) place_loss();
  if (queue_.empty()) return std::nullopt;
  TapItem item = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= item.bytes();
  lock.unlock();
  writable_.notify_all();
  return item;
}

void Tap::close() {
  {
    const std::lock_guard lock(queue_mutex_);
    closed_ = true;
  }
  readable_.notify_all();
  gathered_.notify_all();
  writable_.notify_all();
}

bool Tap::finished() const {
  const std::lock_guard lock(queue_mutex_);
  return closed_ && queue_.empty() && !lost_at_;
}

TapCounts Tap::counts() const {
  const std::lock_guard lock(queue_mutex_);
  return counts_;
}

}  // namespace strop::agent
