#include "agent/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>

namespace strop::agent {

Outlet::Outlet(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {
  struct stat info {};
  if (::fstat(descriptor_.get(), &info) != 0) return;
  socket_ = S_ISSOCK(info.st_mode);
  if (!S_ISFIFO(info.st_mode)) return;
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor_.get());
  FileDescriptor own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (own.is_open()) descriptor_ = std::move(own);
}

ssize_t Outlet::put(std::string_view bytes) {
  return socket_
             ? ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
             : ::write(descriptor_.get(), bytes.data(), bytes.size());
}

Outlet::Result Outlet::write(std::string_view bytes, int stop) {
  while (!bytes.empty()) {
    const ssize_t put_now = put(bytes);
    if (put_now > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put_now));
      continue;
    }
    if (put_now < 0 && errno == EINTR) continue;
    if (put_now == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return Result::kClosed;
    std::array<pollfd, 2> ends{{{descriptor_.get(), POLLOUT, 0}, {stop, POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return Result::kClosed;
    if ((ends[1].revents & POLLIN) != 0) return Result::kStopped;
  }
  return Result::kWritten;
}

void Outlet::close() { descriptor_.close(); }

}  // namespace strop::agent
