#include "lsp/channel.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace strop::lsp {

using Clock = std::chrono::steady_clock;

// One direction: a bounded buffer of bytes.
class Pipe {
 public:
  explicit Pipe(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

  bool write(std::string_view bytes, std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    std::unique_lock lock(mutex_);
    while (!bytes.empty()) {
      if (!changed_.wait_until(lock, deadline,
                               [this] { return closed_ || buffer_.size() < capacity_; }))
        return false;
      if (closed_) return false;
      const std::size_t part = std::min(bytes.size(), capacity_ - buffer_.size());
      buffer_.append(bytes.substr(0, part));
      bytes.remove_prefix(part);
      changed_.notify_all();
    }
    return !closed_;
  }

  std::optional<std::string> read(Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [this] { return closed_ || !buffer_.empty(); });
    if (buffer_.empty()) return std::nullopt;
    std::string bytes = std::exchange(buffer_, {});
    changed_.notify_all();
    return bytes;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const std::size_t capacity_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string buffer_;
  bool closed_ = false;
};

std::pair<Channel, Channel> Channel::pair(std::size_t capacity) {
  auto there = std::make_shared<Pipe>(capacity);
  auto back = std::make_shared<Pipe>(capacity);
  return {Channel(back, there), Channel(there, back)};
}

Channel::Channel(std::shared_ptr<Pipe> incoming, std::shared_ptr<Pipe> outgoing)
    : incoming_(std::move(incoming)), outgoing_(std::move(outgoing)) {}

Channel::Channel(Channel&&) noexcept = default;

Channel& Channel::operator=(Channel&& other) noexcept {
  if (this == &other) return *this;
  close();
  incoming_ = std::move(other.incoming_);
  outgoing_ = std::move(other.outgoing_);
  reader_ = std::move(other.reader_);
  return *this;
}

Channel::~Channel() { close(); }

bool Channel::write(std::string_view bytes, std::chrono::milliseconds patience) {
  return outgoing_->write(bytes, patience);
}

std::optional<std::string> Channel::read(std::chrono::milliseconds patience) {
  return incoming_->read(Clock::now() + patience);
}

bool Channel::send(std::string_view body, std::chrono::milliseconds patience) {
  return write(frame(body), patience);
}

std::optional<std::string> Channel::receive(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    while (const auto chunk = reader_.next())
      if (chunk->kind == ChunkKind::kFrame) return std::string(chunk->body);
    const auto bytes = incoming_->read(deadline);
    if (!bytes) return std::nullopt;
    reader_.feed(*bytes);
  }
}

void Channel::close() {
  if (incoming_) incoming_->close();
  if (outgoing_) outgoing_->close();
}

}  // namespace strop::lsp
