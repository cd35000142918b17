// The language server as a child: started with two pipes, its end passed on as if it ran directly.
//
// Owns the process' pipe ends; does not end the process when it goes. One thread, started before
// any other thread (it forks). Errors: that the command cannot be started is a message. The child
// inherits stderr, the environment, the folder and the signal settings that the agent was started
// with; it ends by SIGKILL when the agent is killed, since whoever kills the agent means the
// server.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/file_descriptor.h"

namespace strop::agent {

// How a process ended.
struct ChildEnd {
  bool signalled = false;
  int code = 0;  // exit code, or the signal
  bool operator==(const ChildEnd&) const = default;
};

class ChildProcess {
 public:
  // Looks the command up in PATH. A command that does not exist is found out before this returns.
  // `signals`: the mask that the child is to have.
  static tl::expected<ChildProcess, std::string> start(const std::vector<std::string>& command,
                                                       const sigset_t& signals);

  pid_t pid() const { return pid_; }
  FileDescriptor& input() { return input_; }          // the child's stdin
  FileDescriptor& output() { return output_; }        // the child's stdout
  const FileDescriptor& end() const { return end_; }  // readable once the child has ended

  void signal(int number) const;

  // How it ended; nothing: it has not.
  std::optional<ChildEnd> reap();

 private:
  pid_t pid_ = -1;
  FileDescriptor input_;
  FileDescriptor output_;
  FileDescriptor end_;
  std::optional<ChildEnd> ended_;
};

// Ends this process the way the child ended: by its exit code, or by its signal, with no core file
// of our own beside the child's.
[[noreturn]] void end_like(const ChildEnd& end);

}  // namespace strop::agent
