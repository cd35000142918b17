// An editor and a server that a test plays, and the ends of a relay between them.
//
// Owns descriptors: real pipes or sockets, since what the kernel does is what is tested. A test's
// calls wait no longer than kPatience. One thread an End.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "agent/relay.h"

namespace strop::agent {

inline constexpr std::chrono::milliseconds kPatience{20'000};

// What an editor or a server holds: what it writes to and what it reads from.
class End {
 public:
  FileDescriptor out;
  FileDescriptor in;

  // False: the other side has gone, or took too long.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(out.get(), bytes.data(), bytes.size());
      if (put > 0)
        bytes.remove_prefix(static_cast<std::size_t>(put));
      else if (errno != EAGAIN || !ready(out, POLLOUT, kPatience))
        return false;
    }
    return true;
  }

  // Writes the same again and again until nobody takes any; gives all that was taken.
  std::string write_until_full(const std::string& unit) {
    std::string taken;
    std::size_t at = 0;
    while (ready(out, POLLOUT, std::chrono::milliseconds(300))) {
      const ssize_t put = ::write(out.get(), unit.data() + at, unit.size() - at);
      if (put <= 0) continue;
      taken += unit.substr(at, static_cast<std::size_t>(put));
      at = (at + static_cast<std::size_t>(put)) % unit.size();
    }
    return taken;
  }

  // So many bytes; fewer when the end comes first, or they take too long.
  std::string read(std::size_t size) {
    std::string bytes;
    std::array<char, 1u << 16> part{};
    while (bytes.size() < size) {
      const ssize_t got = ::read(in.get(), part.data(), std::min(part.size(), size - bytes.size()));
      if (got > 0)
        bytes.append(part.data(), static_cast<std::size_t>(got));
      else if (got == 0 || errno != EAGAIN || !ready(in, POLLIN, kPatience))
        break;
    }
    return bytes;
  }

  // Up to the end of what the other side sends.
  std::string read_all() { return read(std::string::npos); }

 private:
  static bool ready(const FileDescriptor& end, short events, std::chrono::milliseconds patience) {
    pollfd wanted{end.get(), events, 0};
    return ::poll(&wanted, 1, static_cast<int>(patience.count())) == 1;
  }
};

enum class Wire { kPipe, kSocket };

// {reading end, writing end}
inline std::pair<FileDescriptor, FileDescriptor> make_wire(Wire kind) {
  std::array<int, 2> ends{};
  const int made = kind == Wire::kPipe
                       ? ::pipe2(ends.data(), O_CLOEXEC)
                       : ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());
  if (made != 0) throw std::runtime_error("too many files are open");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

inline FileDescriptor unblocked(FileDescriptor end) {
  ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK);
  return end;
}

struct Stage {
  explicit Stage(Wire kind = Wire::kPipe) {
    ::signal(SIGPIPE, SIG_IGN);  // as a session does
    std::tie(relay.from_editor, editor.out) = make_wire(kind);
    std::tie(editor.in, relay.to_editor) = make_wire(kind);
    std::tie(server.in, relay.to_server) = make_wire(kind);
    std::tie(relay.from_server, server.out) = make_wire(kind);
    for (FileDescriptor* end : {&editor.out, &editor.in, &server.in, &server.out})
      *end = unblocked(std::move(*end));
  }

  End editor;
  End server;
  RelayEnds relay;
};

}  // namespace strop::agent
