// Carries bytes between editor and server: two directions, a thread each, that share no lock held
// over I/O and never wait for one another.
//
// Owns its descriptors and threads; the handler outlives it. Without a handler bytes in are bytes
// out, not even framed. With one, a frame goes to it as soon as it is complete and on as it says;
// of a large one that has only begun the handler may say that it goes on as it comes. What is no
// frame (junk, a frame above 4 MiB, the rest of a cut stream) goes on as it is, counted. Memory: a
// frame and a read for each direction, and the bounded queue of inject(). Errors of one side end
// what depends on it, as they would without us: when the editor ends its side the server reads the
// end, when one stops reading the other's writes fail.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "agent/file_descriptor.h"
#include "agent/interruptible_end.h"
#include "agent/outlet.h"
#include "agent/suggestion_tracker.h"
#include "lsp/framing.h"

namespace strop::agent {

// What becomes of a message.
struct Verdict {
  enum class Fate { kForward, kReplace, kSwallow };
  Fate fate = Fate::kForward;
  std::string body;  // kReplace: the message instead
};

// What becomes of a large message of which a part is still to come.
enum class Passage {
  kUndecided,  // to be asked again when more of it is there
  kWhole,      // on_message decides, when it is all there
  kAsIs,       // goes on as it comes
  kCopied      // goes on as it comes, each part by on_part
};

// Decides about messages. Each direction's calls come from that direction's thread. None may throw
// or wait.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // A whole message's body.
  virtual Verdict on_message(Direction direction, std::string_view body) = 0;
  // The first bytes of a body of `whole`.
  virtual Passage on_start(Direction direction, std::string_view start, std::size_t whole) = 0;
  // The next bytes of a body that goes on as it comes, before they do.
  virtual void on_part(Direction direction, std::string_view part, bool last) = 0;
  // A body goes by that is too large to be kept; how it begins.
  virtual void on_untapped(Direction direction, std::string_view start) = 0;
  // What on_message let through is with the other side now: the time for slower work.
  virtual void on_forwarded(Direction direction) = 0;
};

struct DirectionCounts {
  lsp::FrameCounts frames;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t replaced = 0;
  std::uint64_t swallowed = 0;
};

struct RelayCounts {
  DirectionCounts to_server;
  DirectionCounts to_editor;
  std::uint64_t injected = 0;
  std::uint64_t injections_dropped = 0;
};

struct RelayEnds {
  FileDescriptor from_editor;
  FileDescriptor to_editor;
  FileDescriptor to_server;
  FileDescriptor from_server;
};

class Relay {
 public:
  static constexpr std::size_t kMaxInjections = 4096;
  static constexpr std::size_t kMaxInjectedBytes = 16u << 20;
  // From this size on, a message that has only begun is asked about.
  static constexpr std::size_t kLarge = 16u << 10;
  // So much of its beginning is shown at the most.
  static constexpr std::size_t kStart = 4u << 10;

  // `handler`: nullptr for bytes alone.
  Relay(RelayEnds ends, MessageHandler* handler);
  ~Relay();  // stop()

  void start();

  // A frame of the agent's own for the editor, between two of the server's. Any thread, never
  // waits. False: the editor has not read for so long that there is no room, or the relay has
  // ended.
  bool inject(std::string frame);

  // The editor's side is as if it had ended: the server reads the end.
  void end_input();

  // Whether the server's output has ended and all of it is with the editor. `patience`: for how
  // long nothing may move.
  bool wait_for_output(std::chrono::milliseconds patience);

  // The same where the server has ended: what it wrote before is waited for while `may_wait` says
  // so, since without us it could not have ended before the editor read. What others write who have
  // its output still is not.
  bool hand_over(std::chrono::milliseconds patience, const std::function<bool()>& may_wait);

  // Ends both directions, whatever they wait for. What a side has not taken by now is lost.
  void stop();

  // How many bytes the editor has sent up to now.
  std::uint64_t bytes_from_editor() const { return bytes_from_editor_.load(); }

  // REQUIRES: stop() was called.
  const RelayCounts& counts() const { return counts_; }

 private:
  class Pump;
  void carry_to_server();
  void carry_to_editor();
  bool write_injections();
  void end_output();

  InterruptibleEnd from_editor_;
  InterruptibleEnd from_server_;
  Outlet to_editor_;
  Outlet to_server_;
  MessageHandler* handler_;
  // What a thread looks at when it was interrupted, and before it reads.
  std::atomic<bool> stopping_{false};   // both directions end
  std::atomic<bool> no_input_{false};   // the direction to the server ends
  std::atomic<bool> injecting_{false};  // something is in injections_
  std::thread to_server_thread_;
  std::thread to_editor_thread_;
  RelayCounts counts_;  // each direction's thread writes its part
  std::atomic<std::uint64_t> bytes_from_editor_{0};
  std::atomic<std::uint64_t> bytes_from_server_{0};     // read
  std::atomic<std::uint64_t> bytes_past_to_editor_{0};  // of those, written or kept for later

  std::mutex injections_mutex_;
  std::deque<std::string> injections_;
  std::size_t injected_bytes_ = 0;
  bool output_ended_ = false;
  std::uint64_t injected_ = 0;
  std::uint64_t injections_dropped_ = 0;
  std::condition_variable output_ended_changed_;
};

}  // namespace strop::agent
