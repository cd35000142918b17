// Watches over a session from the main thread: the server's end, signals, the editor's end.
//
// Owns its watches; the child and the relay outlive it. Signals are blocked in every thread and
// arrive here alone. Errors: none to report; what cannot be watched is not.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>

#include "agent/child_process.h"
#include "agent/relay.h"

namespace strop::agent {

// The signals that the agent passes on to the server.
sigset_t handled_signals();

class Supervisor {
 public:
  // `signals`: blocked already. `child`: nullptr when the agent is the server itself.
  Supervisor(const sigset_t& signals, ChildProcess* child, Relay& relay);

  // The process that the editor named in initialize. Any thread.
  void watch_editor(long long process_id);

  // The agent's own server has ended; without a child this ends watch(). Any thread.
  void end_alone(int exit_code);

  // Until the server has ended: how.
  ChildEnd watch();

 private:
  enum class Grief { kNone, kEditorGone, kInputEnded, kAsked };

  void take_signal();
  void open_editor_watch();
  int patience() const;
  void editor_is_gone();
  void be_sterner();

  ChildProcess* child_;
  Relay& relay_;
  FileDescriptor signals_;
  FileDescriptor wake_;  // eventfd: editor_process_ or alone_end_ has changed
  FileDescriptor editor_;
  std::atomic<long long> editor_process_{0};
  std::atomic<int> alone_end_{-1};
  int last_signal_ = 0;  // that ended a session without a child
  Grief grief_ = Grief::kNone;
  std::uint64_t bytes_at_editors_end_ = 0;
};

}  // namespace strop::agent
