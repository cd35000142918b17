#include "agent/relay.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

#include "agent/rewrite.h"

namespace strop::agent {
namespace {

constexpr std::size_t kRead = 64u << 10;
// For a thread on a busy machine to take what lies in its pipe.
constexpr std::chrono::milliseconds kForTheThread{1'000};

FileDescriptor make_event() {
  FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.is_open()) throw std::runtime_error("too many files are open");
  return event;
}

void raise_event(const FileDescriptor& event) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(event.get(), &one, sizeof one);
}

void lower_event(const FileDescriptor& event) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event.get(), &count, sizeof count);
}

}  // namespace

// One direction's reading, framing and deciding; writing is left to the caller.
class Relay::Pump {
 public:
  Pump(Direction direction, int input, MessageHandler* handler, DirectionCounts& counts)
      : direction_(direction),
        input_(input),
        handler_(handler),
        counts_(counts),
        buffer_(handler == nullptr ? kRead : 0) {}

  // Reads once and gives what is to be written for it. False: the input has ended; what is given
  // then is the last.
  bool read(std::string_view& out) {
    out = {};
    char* const into = handler_ == nullptr ? buffer_.data() : reader_.room(kRead);
    ssize_t got = 0;
    do {
      got = ::read(input_, into, kRead);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
      got = 0;
    else if (got <= 0)
      return finish(out);
    const auto size = static_cast<std::size_t>(got);
    counts_.bytes_in += size;
    out = handler_ == nullptr ? std::string_view(into, size) : decide(size);
    return true;
  }

  void written(std::string_view out) {
    counts_.bytes_out += out.size();
    if (handler_ != nullptr) handler_->on_forwarded(direction_);
  }

  // What was given so far ends between two frames.
  bool between_frames() const { return !reader_.streaming(); }

  void note_counts() { counts_.frames = reader_.counts(); }

 private:
  bool finish(std::string_view& out) {
    out_.clear();
    if (handler_ != nullptr)
      if (const auto rest = reader_.finish()) out_ += rest->bytes;
    out = out_;
    return false;
  }

  std::string_view decide(std::size_t got) {
    out_.clear();
    as_is_ = {};
    rewritten_ = false;
    reader_.fed(got);
    while (const auto chunk = reader_.next()) {
      if (chunk->kind == lsp::ChunkKind::kFrame) {
        decide_frame(*chunk);
        continue;
      }
      if (chunk->kind == lsp::ChunkKind::kOversized &&
          reader_.counts().oversized_frames != oversized_) {
        oversized_ = reader_.counts().oversized_frames;
        handler_->on_untapped(direction_);
      }
      pass(chunk->bytes);
    }
    return rewritten_ ? std::string_view(out_) : as_is_;
  }

  void decide_frame(const lsp::Chunk& chunk) {
    const Verdict verdict = handler_->on_message(direction_, chunk.body);
    switch (verdict.fate) {
      case Verdict::Fate::kForward:
        pass(chunk.bytes);
        break;
      case Verdict::Fate::kReplace:
        begin_rewriting();
        out_ += frame(verdict.body, chunk.bytes.substr(0, chunk.bytes.size() - chunk.body.size()));
        ++counts_.replaced;
        break;
      case Verdict::Fate::kSwallow:
        begin_rewriting();
        ++counts_.swallowed;
        break;
    }
  }

  // What goes on unchanged is written from where the reader has it: chunks stand behind one
  // another.
  void pass(std::string_view bytes) {
    if (rewritten_)
      out_ += bytes;
    else
      as_is_ = {as_is_.empty() ? bytes.data() : as_is_.data(), as_is_.size() + bytes.size()};
  }

  void begin_rewriting() {
    if (!rewritten_) out_ = as_is_;
    rewritten_ = true;
  }

  Direction direction_;
  int input_;
  MessageHandler* handler_;
  DirectionCounts& counts_;
  lsp::FrameReader reader_;
  std::uint64_t oversized_ = 0;
  std::vector<char> buffer_;  // without a handler
  std::string_view as_is_;    // what was read and goes on as it is, while nothing is rewritten
  bool rewritten_ = false;
  std::string out_;
};

Relay::Relay(RelayEnds ends, MessageHandler* handler)
    : from_editor_(std::move(ends.from_editor)),
      from_server_(std::move(ends.from_server)),
      to_editor_(std::move(ends.to_editor)),
      to_server_(std::move(ends.to_server)),
      handler_(handler),
      stop_(make_event()),
      no_input_(make_event()),
      injection_(make_event()) {}

Relay::~Relay() { stop(); }

void Relay::start() {
  to_server_thread_ = std::thread([this] { carry_to_server(); });
  to_editor_thread_ = std::thread([this] { carry_to_editor(); });
  ::pthread_setname_np(to_server_thread_.native_handle(), "to-server");
  ::pthread_setname_np(to_editor_thread_.native_handle(), "to-editor");
}

bool Relay::inject(std::string frame) {
  {
    const std::lock_guard lock(injections_mutex_);
    if (output_ended_ || injections_.size() >= kMaxInjections ||
        injected_bytes_ + frame.size() > kMaxInjectedBytes) {
      ++injections_dropped_;
      return false;
    }
    injected_bytes_ += frame.size();
    ++injected_;
    injections_.push_back(std::move(frame));
  }
  raise_event(injection_);
  return true;
}

void Relay::end_input() { raise_event(no_input_); }

bool Relay::wait_for_output(std::chrono::milliseconds patience) {
  std::unique_lock lock(injections_mutex_);
  return output_ended_changed_.wait_for(lock, patience, [this] { return output_ended_; });
}

bool Relay::hand_over(std::chrono::milliseconds patience, const std::function<bool()>& may_wait) {
  std::unique_lock lock(injections_mutex_);
  if (output_ended_) return true;
  int left = 0;
  ::ioctl(from_server_.get(), FIONREAD, &left);  // end_output() closes it under the lock
  // Asked in this order the sum may be too large, where the other thread reads meanwhile; then the
  // end of the output, or its silence, ends the wait.
  const std::uint64_t all =
      bytes_from_server_.load() + static_cast<std::uint64_t>(std::max(left, 0));
  auto moved = std::chrono::steady_clock::now();
  std::uint64_t past = bytes_past_to_editor_.load();
  while (true) {
    if (output_ended_changed_.wait_for(lock, patience, [this] { return output_ended_; }))
      return true;
    const std::uint64_t past_now = bytes_past_to_editor_.load();
    const bool writes = bytes_from_server_.load() != past_now;
    if (past_now >= all || !may_wait()) return false;
    const auto now = std::chrono::steady_clock::now();
    if (writes || past_now != past) moved = now;
    if (now - moved >= kForTheThread) return false;
    past = past_now;
  }
}

void Relay::stop() {
  raise_event(stop_);
  raise_event(no_input_);
  if (to_server_thread_.joinable()) to_server_thread_.join();
  if (to_editor_thread_.joinable()) to_editor_thread_.join();
  const std::lock_guard lock(injections_mutex_);
  counts_.injected = injected_;
  counts_.injections_dropped = injections_dropped_;
}

void Relay::carry_to_server() {
  Pump pump(Direction::kClientToServer, from_editor_.get(), handler_, counts_.to_server);
  bool open = true;
  while (open) {
    std::array<pollfd, 2> ends{{{from_editor_.get(), POLLIN, 0}, {no_input_.get(), POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
    if ((ends[1].revents & POLLIN) != 0) break;
    if (ends[0].revents == 0) continue;
    std::string_view out;
    open = pump.read(out);
    bytes_from_editor_.store(counts_.to_server.bytes_in, std::memory_order_relaxed);
    if (to_server_.write(out, stop_.get()) != Outlet::Result::kWritten) break;
    pump.written(out);
  }
  pump.note_counts();
  to_server_.close();
  from_editor_.close();
}

void Relay::carry_to_editor() {
  Pump pump(Direction::kServerToClient, from_server_.get(), handler_, counts_.to_editor);
  bool open = true;
  while (open) {
    // Within a large frame there is no place for another: not even looked at, or poll would spin.
    const int injection = pump.between_frames() ? injection_.get() : -1;
    std::array<pollfd, 3> ends{
        {{from_server_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {injection, POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
    if ((ends[1].revents & POLLIN) != 0) break;
    if (ends[0].revents != 0) {
      std::string_view out;
      open = pump.read(out);
      bytes_from_server_.store(counts_.to_editor.bytes_in);
      if (to_editor_.write(out, stop_.get()) != Outlet::Result::kWritten) break;
      pump.written(out);
      bytes_past_to_editor_.store(counts_.to_editor.bytes_in);
    }
    if ((ends[2].revents & POLLIN) != 0 && pump.between_frames() && !write_injections()) break;
  }
  if (!open && pump.between_frames()) write_injections();
  pump.note_counts();
  end_output();
}

bool Relay::write_injections() {
  lower_event(injection_);
  while (true) {
    std::string next;
    {
      const std::lock_guard lock(injections_mutex_);
      if (injections_.empty()) return true;
      next = std::move(injections_.front());
      injections_.pop_front();
      injected_bytes_ -= next.size();
    }
    if (to_editor_.write(next, stop_.get()) != Outlet::Result::kWritten) return false;
  }
}

void Relay::end_output() {
  to_editor_.close();
  {
    const std::lock_guard lock(injections_mutex_);
    from_server_.close();
    output_ended_ = true;
  }
  output_ended_changed_.notify_all();
}

}  // namespace strop::agent
