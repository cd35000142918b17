#include "agent/interruptible_end.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace strop::agent {
namespace {

// Without SA_RESTART, so that what waits comes back.
void hear_interrupts() {
  static const bool once = [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigemptyset(&action.sa_mask);
    return ::sigaction(SIGURG, &action, nullptr) == 0;
  }();
  static_cast<void>(once);
}

FileDescriptor copy_of(const FileDescriptor& end) {
  FileDescriptor copy(::fcntl(end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy.is_open()) throw std::runtime_error("too many files are open");
  return copy;
}

// The end of a pipe that is for the other use, and whose own other end is closed: reading or
// writing fails, and polling does not wait.
FileDescriptor blocked_end(InterruptibleEnd::Use use) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("too many files are open");
  FileDescriptor read(ends[0]);
  FileDescriptor write(ends[1]);
  return use == InterruptibleEnd::Use::kRead ? std::move(write) : std::move(read);
}

// The kernel's own call: what checks descriptors for races does not know that this is none.
void put_over(const FileDescriptor& end, const FileDescriptor& number) {
  while (::syscall(SYS_dup3, end.get(), number.get(), O_CLOEXEC) < 0 &&
         (errno == EINTR || errno == EBUSY)) {
  }
}

}  // namespace

InterruptibleEnd::InterruptibleEnd(FileDescriptor end, Use use)
    : use_(use), live_(std::move(end)), real_(copy_of(live_)), blocked_(blocked_end(use)) {
  hear_interrupts();
  struct stat info {};
  if (::fstat(live_.get(), &info) != 0) return;
  socket_ = S_ISSOCK(info.st_mode);
  pipe_ = S_ISFIFO(info.st_mode);
}

void InterruptibleEnd::attach() {
  sigset_t interrupts;
  sigemptyset(&interrupts);
  sigaddset(&interrupts, SIGURG);
  ::pthread_sigmask(SIG_UNBLOCK, &interrupts, nullptr);
  const std::lock_guard lock(end_mutex_);
  thread_ = ::pthread_self();
  attached_ = true;
}

void InterruptibleEnd::detach() {
  const std::lock_guard lock(end_mutex_);
  attached_ = false;
}

ssize_t InterruptibleEnd::read(char* into, std::size_t size) {
  while (true) {
    const ssize_t got = ::read(live_.get(), into, size);
    if (got >= 0) return got;
    const Setback setback = set_back(errno);
    if (setback != Setback::kAgain) return setback == Setback::kInterrupted ? kInterrupted : -1;
  }
}

ssize_t InterruptibleEnd::write(const char* bytes, std::size_t size) {
  while (true) {
    const ssize_t done = put(bytes, size);
    if (done >= 0) return done;
    const Setback setback = set_back(errno);
    if (setback != Setback::kAgain) return setback == Setback::kInterrupted ? kInterrupted : -1;
  }
}

ssize_t InterruptibleEnd::write_now(const char* bytes, std::size_t size) {
  pollfd ready{live_.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1) return 0;
  return put(bytes, std::min<std::size_t>(size, PIPE_BUF));
}

ssize_t InterruptibleEnd::put(const char* bytes, std::size_t size) {
  return socket_ ? ::send(live_.get(), bytes, size, MSG_NOSIGNAL)
                 : ::write(live_.get(), bytes, size);
}

InterruptibleEnd::Setback InterruptibleEnd::set_back(int error) {
  if (take_interrupt()) return Setback::kInterrupted;
  if (error == EINTR) return Setback::kAgain;
  if (error != EAGAIN && error != EWOULDBLOCK) {
    errno = error;
    return Setback::kFailed;
  }
  // Of an end that is blocked meanwhile this comes back at once.
  pollfd ready{live_.get(), static_cast<short>(use_ == Use::kRead ? POLLIN : POLLOUT), 0};
  ::poll(&ready, 1, -1);
  return Setback::kAgain;
}

bool InterruptibleEnd::take_interrupt() {
  const std::lock_guard lock(end_mutex_);
  if (!interrupted_) return false;
  put_over(real_, live_);
  interrupted_ = false;
  return true;
}

bool InterruptibleEnd::is_interrupted() const {
  const std::lock_guard lock(end_mutex_);
  return interrupted_;
}

ssize_t InterruptibleEnd::move_to(InterruptibleEnd& to, std::size_t size) {
  while (true) {
    const ssize_t moved = ::splice(live_.get(), nullptr, to.live_.get(), nullptr, size, 0);
    if (moved >= 0) return moved;
    const int error = errno;
    if (take_interrupt() || to.is_interrupted()) return kInterrupted;
    if (error == EINTR) continue;
    if (error == EINVAL || error == ENOSYS || error == EAGAIN) return kNotMovable;
    errno = error;
    return -1;
  }
}

void InterruptibleEnd::interrupt() {
  const std::lock_guard lock(end_mutex_);
  if (!real_.is_open()) return;
  put_over(blocked_, live_);
  interrupted_ = true;
  if (attached_) ::pthread_kill(thread_, SIGURG);
}

std::size_t InterruptibleEnd::waiting_bytes() const {
  const std::lock_guard lock(end_mutex_);
  int waiting = 0;
  if (real_.is_open()) ::ioctl(real_.get(), FIONREAD, &waiting);
  return static_cast<std::size_t>(std::max(waiting, 0));
}

bool InterruptibleEnd::is_full() const {
  const std::lock_guard lock(end_mutex_);
  pollfd ready{real_.get(), POLLOUT, 0};
  return real_.is_open() && ::poll(&ready, 1, 0) == 0;
}

void InterruptibleEnd::close() {
  const std::lock_guard lock(end_mutex_);
  live_.close();
  real_.close();
  blocked_.close();
}

}  // namespace strop::agent
