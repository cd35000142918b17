#include "trainer/serve/turns.h"

#include <chrono>

namespace strop::trainer {
namespace {

constexpr std::chrono::milliseconds kLook{50};

}  // namespace

Turns::Entry Turns::enter(const std::function<bool()>& is_gone) {
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= most_waiting_) return Entry::kFull;
  const std::uint64_t ticket = next_ticket_++;
  waiting_.insert(ticket);
  while (busy_ || *waiting_.begin() != ticket) {
    changed_.wait_for(lock, kLook);
    if (is_gone()) {
      waiting_.erase(ticket);
      changed_.notify_all();
      return Entry::kGone;
    }
  }
  waiting_.erase(ticket);
  busy_ = true;
  return Entry::kMine;
}

void Turns::leave() {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  changed_.notify_all();
}

}  // namespace strop::trainer
