// One side of a connection of two pipes, that reads while it writes and can be told not to.
//
// The descriptors are the caller's and are made not to block. One thread. What is read goes to a
// function. Errors: false where the other side takes no more or has ended; that nothing moves for
// kPatience is an exception, which is how a deadlock shows.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace strop::support {

class Duplex {
 public:
  static constexpr std::chrono::milliseconds kPatience{100'000};
  using Take = std::function<void(std::string_view bytes)>;

  Duplex(int in, int out, Take take)
      : in_(in), out_(out), take_(std::move(take)), buffer_(64u << 10) {
    for (const int end : {in, out})
      if (end >= 0) ::fcntl(end, F_SETFL, ::fcntl(end, F_GETFL) | O_NONBLOCK);
  }

  // From here on writes are cut at random places.
  void split(unsigned seed) { random_.emplace(seed); }
  // Called at least now and then while something is waited for.
  void set_tick(std::function<void()> tick) { tick_ = std::move(tick); }

  std::uint64_t received() const { return received_; }

  // All of it, reading what comes meanwhile.
  bool send(std::string_view bytes) { return write(bytes, true, kPatience).empty(); }
  // Without reading, until no byte goes for `still`: what was not taken.
  std::string_view push(std::string_view bytes, std::chrono::milliseconds still) {
    return write(bytes, false, still);
  }

  // Until so many have come in all, and not one more is read.
  bool read_until(std::uint64_t total) {
    while (received_ < total)
      if (!await(POLLIN) || !read(total - received_)) return false;
    return true;
  }
  void read_to_end() { read_until(UINT64_MAX); }
  // What has come by now, at least a byte.
  bool read_some() { return await(POLLIN) && read(buffer_.size()); }

 private:
  std::string_view write(std::string_view bytes, bool listens, std::chrono::milliseconds still) {
    bool more = listens;
    auto moved = Clock::now();
    while (!bytes.empty()) {
      std::array<pollfd, 2> ends{{{out_, POLLOUT, 0}, {more ? in_ : -1, POLLIN, 0}}};
      ::poll(ends.data(), ends.size(), static_cast<int>(std::min(still, kTick).count()));
      if (tick_) tick_();
      if (ends[1].revents != 0) {
        more = read(buffer_.size());
        moved = Clock::now();
      }
      if (ends[0].revents != 0) {
        const ssize_t put = ::write(out_, bytes.data(), piece(bytes.size()));
        if (put < 0 && errno != EAGAIN) return bytes;
        if (put > 0) {
          bytes.remove_prefix(static_cast<std::size_t>(put));
          moved = Clock::now();
        }
      }
      if (Clock::now() - moved < still) continue;
      if (listens) throw std::runtime_error("nothing is taken, and nothing comes: a deadlock");
      return bytes;
    }
    return bytes;
  }

  bool await(short what) {
    const auto deadline = Clock::now() + kPatience;
    while (Clock::now() < deadline) {
      pollfd end{in_, what, 0};
      const int ready = ::poll(&end, 1, static_cast<int>(kTick.count()));
      if (tick_) tick_();
      if (ready > 0) return true;
    }
    throw std::runtime_error("nothing comes: a deadlock");
  }

  bool read(std::uint64_t most) {
    const ssize_t got = ::read(in_, buffer_.data(), std::min<std::uint64_t>(most, buffer_.size()));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) return false;
    received_ += static_cast<std::uint64_t>(got);
    take_(std::string_view(buffer_.data(), static_cast<std::size_t>(got)));
    return true;
  }

  // Small pieces mostly, so that headers are cut too.
  std::size_t piece(std::size_t left) {
    if (!random_) return std::min<std::size_t>(left, 64u << 10);
    const std::size_t most =
        std::uniform_int_distribution<int>(0, 3)(*random_) == 0 ? 16u << 10 : 40;
    return std::min(left, std::uniform_int_distribution<std::size_t>(1, most)(*random_));
  }

  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kTick{50};

  int in_;
  int out_;
  Take take_;
  std::vector<char> buffer_;
  std::optional<std::mt19937> random_;
  std::function<void()> tick_;
  std::uint64_t received_ = 0;
};

}  // namespace strop::support
