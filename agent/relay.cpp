#include "agent/relay.h"

#include <pthread.h>

#include <utility>
#include <vector>

#include "agent/rewrite.h"

namespace strop::agent {
namespace {

constexpr std::size_t kRead = 64u << 10;
// Enough to know a message by, when large ones come: the rest then need not be read.
constexpr std::size_t kReadOfLarge = 4u << 10;
constexpr std::size_t kMoved = 1u << 20;
// For a thread on a busy machine to take what lies in its pipe.
constexpr std::chrono::milliseconds kForTheThread{1'000};

}  // namespace

// One direction's reading, framing and deciding; writing is left to the caller.
class Relay::Pump {
 public:
  enum class Got { kBytes, kEnd, kInterrupted };

  Pump(Direction direction, InterruptibleEnd& input, Outlet& output, MessageHandler* handler,
       DirectionCounts& counts)
      : direction_(direction),
        input_(input),
        output_(output),
        handler_(handler),
        counts_(counts),
        movable_(input.is_pipe() && output.is_pipe()),
        buffer_(handler == nullptr ? kRead : 0) {}

  // Reads once and gives what is to be written for it; at the end the last. What nobody looks at
  // may have gone on already.
  Got read(std::string_view& out) {
    out = {};
    if (const std::size_t unseen = may_move(); unseen > 0) {
      const ssize_t moved = output_.take_from(input_, unseen);
      if (moved == InterruptibleEnd::kInterrupted) return Got::kInterrupted;
      if (moved > 0) return note_moved(static_cast<std::size_t>(moved));
      movable_ = false;
    }
    char* const into = handler_ == nullptr ? buffer_.data() : reader_.room(kRead);
    const ssize_t got = input_.read(into, large_ && handler_ != nullptr ? kReadOfLarge : kRead);
    if (got == InterruptibleEnd::kInterrupted) return Got::kInterrupted;
    if (got <= 0) return finish(out);
    const auto size = static_cast<std::size_t>(got);
    counts_.bytes_in += size;
    if (handler_ == nullptr) large_ = size > kRead / 2;
    out = handler_ == nullptr ? std::string_view(into, size) : decide(size);
    return Got::kBytes;
  }

  void written(std::string_view out) {
    counts_.bytes_out += out.size();
    if (handler_ != nullptr) handler_->on_forwarded(direction_);
  }

  // What was given so far ends between two frames.
  bool between_frames() const { return !reader_.streaming(); }

  void note_counts() { counts_.frames = reader_.counts(); }

 private:
  // How many of the next bytes may go on without being read. Few are read more cheaply.
  std::size_t may_move() const {
    if (!movable_) return 0;
    if (handler_ == nullptr) return large_ ? kMoved : 0;
    return copied_ ? 0 : reader_.to_come();
  }

  Got note_moved(std::size_t bytes) {
    counts_.bytes_in += bytes;
    counts_.bytes_out += bytes;
    if (handler_ == nullptr)
      large_ = bytes > kRead / 4;
    else
      reader_.went_by(bytes);
    return Got::kBytes;
  }

  Got finish(std::string_view& out) {
    out_.clear();
    if (handler_ != nullptr)
      if (const auto rest = reader_.finish()) out_ += rest->bytes;
    out = out_;
    return Got::kEnd;
  }

  std::string_view decide(std::size_t got) {
    out_.clear();
    as_is_ = {};
    rewritten_ = false;
    reader_.fed(got);
    while (true) {
      const auto chunk = reader_.next();
      if (chunk)
        decide_chunk(*chunk);
      else if (!goes_on_as_it_comes())
        break;
    }
    return rewritten_ ? std::string_view(out_) : as_is_;
  }

  void decide_chunk(const lsp::Chunk& chunk) {
    if (chunk.kind == lsp::ChunkKind::kFrame) {
      asked_ = large_ = false;
      return decide_frame(chunk);
    }
    if (chunk.kind == lsp::ChunkKind::kOversized &&
        reader_.counts().oversized_frames != oversized_) {
      oversized_ = reader_.counts().oversized_frames;
      copied_ = false;
      handler_->on_untapped(direction_, chunk.body.substr(0, kStart));
    }
    if (chunk.kind == lsp::ChunkKind::kPart && copied_)
      handler_->on_part(direction_, chunk.body, !reader_.streaming());
    pass(chunk.bytes);
  }

  // What the reader has is the beginning of a message, and that is enough to know.
  bool goes_on_as_it_comes() {
    const auto begun = reader_.begun();
    if (asked_ || !begun || begun->whole < kLarge) return false;
    const Passage passage =
        handler_->on_start(direction_, begun->start.substr(0, kStart), begun->whole);
    if (passage == Passage::kUndecided && begun->start.size() < kStart) return false;
    if (passage == Passage::kUndecided || passage == Passage::kWhole) {
      asked_ = true;
      return false;
    }
    copied_ = passage == Passage::kCopied;
    large_ = !copied_;
    reader_.stream();
    return true;
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
  InterruptibleEnd& input_;
  Outlet& output_;
  MessageHandler* handler_;
  DirectionCounts& counts_;
  bool movable_;        // between such ends
  bool large_ = false;  // what came last; more of it is to be expected
  lsp::FrameReader reader_;
  std::uint64_t oversized_ = 0;
  bool asked_ = false;        // about the message that has begun: it is to be whole
  bool copied_ = false;       // of one that goes on as it comes: by on_part
  std::vector<char> buffer_;  // without a handler
  std::string_view as_is_;    // what was read and goes on as it is, while nothing is rewritten
  bool rewritten_ = false;
  std::string out_;
};

Relay::Relay(RelayEnds ends, MessageHandler* handler)
    : from_editor_(std::move(ends.from_editor), InterruptibleEnd::Use::kRead),
      from_server_(std::move(ends.from_server), InterruptibleEnd::Use::kRead),
      to_editor_(std::move(ends.to_editor)),
      to_server_(std::move(ends.to_server)),
      handler_(handler) {}

Relay::~Relay() { stop(); }

void Relay::start() {
  to_server_thread_ = std::thread([this] { carry_to_server(); });
  to_editor_thread_ = std::thread([this] { carry_to_editor(); });
  ::pthread_setname_np(to_server_thread_.native_handle(), "to-server");
  ::pthread_setname_np(to_editor_thread_.native_handle(), "to-editor");
}

bool Relay::inject(std::string frame) {
  bool told = false;
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
    told = injecting_.exchange(true);
  }
  if (!told) from_server_.interrupt();
  return true;
}

void Relay::end_input() {
  no_input_.store(true);
  from_editor_.interrupt();
}

bool Relay::wait_for_output(std::chrono::milliseconds patience) {
  std::unique_lock lock(injections_mutex_);
  return output_ended_changed_.wait_for(lock, patience, [this] { return output_ended_; });
}

bool Relay::hand_over(std::chrono::milliseconds patience, const std::function<bool()>& may_wait) {
  std::unique_lock lock(injections_mutex_);
  if (output_ended_) return true;
  const std::uint64_t left = from_server_.waiting_bytes();
  // Asked in this order the sum may be too large, where the other thread reads meanwhile; then the
  // end of the output, or its silence, ends the wait.
  const std::uint64_t all = bytes_from_server_.load() + left;
  auto moved = std::chrono::steady_clock::now();
  std::uint64_t past = bytes_past_to_editor_.load();
  while (true) {
    if (output_ended_changed_.wait_for(lock, patience, [this] { return output_ended_; }))
      return true;
    const std::uint64_t past_now = bytes_past_to_editor_.load();
    const bool writes = bytes_from_server_.load() != past_now || to_editor_.is_full();
    if (past_now >= all || !may_wait()) return false;
    const auto now = std::chrono::steady_clock::now();
    if (writes || past_now != past) moved = now;
    if (now - moved >= kForTheThread) return false;
    past = past_now;
  }
}

void Relay::stop() {
  stopping_.store(true);
  no_input_.store(true);
  from_editor_.interrupt();
  from_server_.interrupt();
  to_editor_.stop();
  to_server_.stop();
  if (to_server_thread_.joinable()) to_server_thread_.join();
  if (to_editor_thread_.joinable()) to_editor_thread_.join();
  const std::lock_guard lock(injections_mutex_);
  counts_.injected = injected_;
  counts_.injections_dropped = injections_dropped_;
}

void Relay::carry_to_server() {
  from_editor_.attach();
  to_server_.attach();
  Pump pump(Direction::kClientToServer, from_editor_, to_server_, handler_, counts_.to_server);
  bool open = true;
  while (open && !no_input_.load(std::memory_order_relaxed)) {
    std::string_view out;
    const Pump::Got got = pump.read(out);
    if (got == Pump::Got::kInterrupted) continue;
    open = got != Pump::Got::kEnd;
    bytes_from_editor_.store(counts_.to_server.bytes_in, std::memory_order_relaxed);
    if (to_server_.write(out) != Outlet::Result::kWritten) break;
    pump.written(out);
  }
  pump.note_counts();
  from_editor_.detach();
  to_server_.detach();
  to_server_.close();
  from_editor_.close();
}

void Relay::carry_to_editor() {
  from_server_.attach();
  to_editor_.attach();
  Pump pump(Direction::kServerToClient, from_server_, to_editor_, handler_, counts_.to_editor);
  bool open = true;
  while (open && !stopping_.load(std::memory_order_relaxed)) {
    // Within a message that goes on in pieces there is no place for another.
    if (injecting_.load() && pump.between_frames() && !write_injections()) break;
    std::string_view out;
    const Pump::Got got = pump.read(out);
    if (got == Pump::Got::kInterrupted) continue;
    open = got != Pump::Got::kEnd;
    bytes_from_server_.store(counts_.to_editor.bytes_in);
    if (to_editor_.write(out) != Outlet::Result::kWritten) break;
    pump.written(out);
    bytes_past_to_editor_.store(counts_.to_editor.bytes_in);
  }
  if (!open && pump.between_frames()) write_injections();
  pump.note_counts();
  from_server_.detach();
  to_editor_.detach();
  end_output();
}

bool Relay::write_injections() {
  while (true) {
    std::string next;
    {
      const std::lock_guard lock(injections_mutex_);
      if (injections_.empty()) {
        injecting_.store(false);
        return true;
      }
      next = std::move(injections_.front());
      injections_.pop_front();
      injected_bytes_ -= next.size();
    }
    if (to_editor_.write(next) != Outlet::Result::kWritten) return false;
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
