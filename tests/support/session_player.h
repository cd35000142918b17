// Plays one side of a recorded session over two descriptors, and keeps every byte that went by.
//
// A message is sent once all of the other side's before it have come, so that both sides keep the
// session's order. One thread; reads while it waits to write, so two players never wait for each
// other. The other side's silence beyond the deadline, or its end, is an exception.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/session.h"

namespace strop::support {

enum class Split { kWhole, kBytes, kRandom };

// How a sender's bytes are cut into writes.
class Splitter {
 public:
  Splitter(Split split, unsigned seed) : split_(split), random_(seed) {}
  std::size_t next(std::size_t left) {
    // A pipe that is ready takes this much without waiting.
    constexpr std::size_t kMost = 4096;
    if (split_ == Split::kBytes) return 1;
    if (split_ == Split::kWhole) return std::min(left, kMost);
    // Small pieces mostly, so that headers are cut too.
    const std::size_t most = std::uniform_int_distribution<int>(0, 3)(random_) == 0 ? kMost : 40;
    return std::min(left, std::uniform_int_distribution<std::size_t>(1, most)(random_));
  }

 private:
  Split split_;
  std::mt19937 random_;
};

class SessionPlayer {
 public:
  // What to send instead of a message's body, given all messages received.
  using Adapt =
      std::function<std::string(const std::string& body, const std::vector<std::string>& received)>;

  SessionPlayer(bool as_client, int in, int out, Splitter splitter)
      : as_client_(as_client), in_(in), out_(out), splitter_(splitter) {}

  void play(const std::vector<RecordedMessage>& session, const Adapt& adapt = {}) {
    std::size_t due = 0;
    for (const RecordedMessage& message : session) {
      if (message.from_client != as_client_) {
        ++due;
        continue;
      }
      while (messages_.size() < due) read_more("the session stops");
      std::string body = adapt ? adapt(message.body, messages_) : message.body;
      send(body == message.body
               ? message.header + body
               : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::move(body));
    }
    while (messages_.size() < due) read_more("the session stops");
  }

  // Until the other side ends its output.
  void read_to_end() {
    while (read_more(nullptr)) {
    }
  }

  const std::string& sent() const { return sent_; }
  const std::string& received() const { return received_; }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  static constexpr int kPatienceMs = 60'000;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd ends[2] = {{out_, POLLOUT, 0}, {in_, POLLIN, 0}};
      if (::poll(ends, 2, kPatienceMs) <= 0) throw std::runtime_error("the other side is stuck");
      if ((ends[1].revents & POLLIN) != 0) read_more("the other side ended");
      if ((ends[0].revents & (POLLOUT | POLLERR)) == 0) continue;
      const ssize_t written = ::write(out_, bytes.data(), splitter_.next(bytes.size()));
      if (written <= 0) throw std::runtime_error("the other side takes no more");
      sent_ += bytes.substr(0, static_cast<std::size_t>(written));
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  // False at the end, which is an exception where there is a word for it.
  bool read_more(const char* at_end) {
    pollfd end{in_, POLLIN, 0};
    if (::poll(&end, 1, kPatienceMs) <= 0) throw std::runtime_error("the other side is silent");
    char buffer[65536];
    const ssize_t count = ::read(in_, buffer, sizeof buffer);
    if (count <= 0 && at_end != nullptr) throw std::runtime_error(at_end);
    if (count <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(count));
    while (take_message()) {
    }
    return true;
  }

  // Naive on purpose: it is no reader of ours that is to find the frames here.
  bool take_message() {
    const std::size_t blank = received_.find("\r\n\r\n", taken_);
    if (blank == std::string::npos) return false;
    const std::size_t field = received_.find("Content-Length: ", taken_);
    if (field > blank) throw std::runtime_error("a frame without a length");
    const std::size_t length = std::stoul(received_.substr(field + 16, 12));
    if (received_.size() < blank + 4 + length) return false;
    messages_.push_back(received_.substr(blank + 4, length));
    taken_ = blank + 4 + length;
    return true;
  }

  bool as_client_;
  int in_;
  int out_;
  Splitter splitter_;
  std::string sent_;
  std::string received_;
  std::size_t taken_ = 0;
  std::vector<std::string> messages_;
};

}  // namespace strop::support
