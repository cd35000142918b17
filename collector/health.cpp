#include "collector/health.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

namespace strop::collector {

Wake::Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Wake::~Wake() { ::close(fd_); }

void Wake::ring() const noexcept {
  const std::uint64_t one = 1;
  // Full means that it rings already.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof(one));
}

void Wake::quiet() const noexcept {
  std::uint64_t rings = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &rings, sizeof(rings));
}

std::string Health::ask(int patience_ms) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++wanted_;
  wake_.ring();
  if (!told_.wait_for(lock, std::chrono::milliseconds(patience_ms),
                      [&] { return answered_ >= mine; }))
    return "the receiver does not answer";
  if (damaged_) return damage_;
  return storing_ ? "" : "the store cannot be written";
}

void Health::set_damage(const std::string& what) {
  {
    const std::lock_guard lock(mutex_);
    damage_ = what;
    damaged_ = true;
  }
  wake_.ring();
}

void Health::answer(bool storing) {
  const std::lock_guard lock(mutex_);
  storing_ = storing;
  answered_ = wanted_.load();
  told_.notify_all();
}

}  // namespace strop::collector
