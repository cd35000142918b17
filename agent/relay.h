// Carries bytes between editor and server: two directions, a thread each, that share no lock held
// over I/O and never wait for one another.
//
// Owns its descriptors and threads; the handler outlives it. Without a handler bytes in are bytes
// out, not even framed. With one, a frame goes to it as soon as it is complete and on as it says;
// what is no frame (junk, a frame above 4 MiB, the rest of a cut stream) goes on as it is, counted.
// Memory: a frame and a read for each direction, and the bounded queue of inject(). Errors of one
// side end what depends on it, as they would without us: when the editor ends its side the server
// reads the end, when one stops reading the other's writes fail.
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

// Decides about messages. Each direction's calls come from that direction's thread.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // A whole message's body. Must not throw, must not wait.
  virtual Verdict on_message(Direction direction, std::string_view body) = 0;
  // Bytes that went by without being understood: the body of a large frame.
  virtual void on_untapped(Direction direction) = 0;
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

  FileDescriptor from_editor_;
  FileDescriptor from_server_;
  Outlet to_editor_;
  Outlet to_server_;
  MessageHandler* handler_;
  FileDescriptor stop_;       // eventfd: both directions end
  FileDescriptor no_input_;   // eventfd: the direction to the server ends
  FileDescriptor injection_;  // eventfd: something is in injections_
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
