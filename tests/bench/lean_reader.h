// Reads frames as cheaply as can be, so that what is measured is what lies between: the length from
// the header, the first bytes of the body to know it by, the rest read and dropped.
//
// Borrows the descriptor. One thread. Only for frames of our own making: Content-Length first,
// alone, and right. No errors: false is the end of the stream.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace strop::bench {

inline std::string framed(std::string_view body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

inline bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(to, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

class LeanReader {
 public:
  static constexpr std::size_t kBuffer = 256u << 10;

  explicit LeanReader(int from) : from_(from), buffer_(kBuffer) {}

  // The next frame's first bytes, all of a small one's. Valid until the next call.
  bool next(std::string_view& start) {
    std::size_t body = 0;
    while ((body = rest().find("\r\n\r\n")) == std::string_view::npos)
      if (!fill()) return false;
    constexpr std::string_view kName = "Content-Length: ";
    std::size_t length = 0;
    std::from_chars(buffer_.data() + begin_ + kName.size(), buffer_.data() + begin_ + body, length);
    begin_ += body + 4;
    while (rest().size() < std::min(length, kKept))
      if (!fill()) return false;
    start_.assign(rest().substr(0, std::min(length, kKept)));
    start = start_;
    for (std::size_t left = length; left > 0;) {
      if (rest().empty() && !fill()) return false;
      const std::size_t now = std::min(left, rest().size());
      begin_ += now;
      left -= now;
    }
    return true;
  }

 private:
  static constexpr std::size_t kKept = 4096;

  std::string_view rest() const { return {buffer_.data() + begin_, end_ - begin_}; }

  bool fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    ssize_t got = 0;
    do {
      got = ::read(from_, buffer_.data() + end_, buffer_.size() - end_);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    end_ += static_cast<std::size_t>(got);
    return true;
  }

  int from_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string start_;
};

// The number behind `name` in a body of our own making; `otherwise` where there is none.
inline long number_after(std::string_view body, std::string_view name, long otherwise) {
  const std::size_t at = body.find(name);
  if (at == std::string_view::npos) return otherwise;
  long value = otherwise;
  std::from_chars(body.data() + at + name.size(), body.data() + body.size(), value);
  return value;
}

}  // namespace strop::bench
