// The language server that the agent is when no other was given: knows how to start and to end, and
// leaves completions to the provider, which answers before anything gets here.
//
// Pure but for its own state; one thread. No errors: what it does not know it refuses as the
// protocol says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strop::agent {

class StandaloneServer {
 public:
  // The answer to a message's body, if it needs one.
  std::optional<std::string> on_message(std::string_view body);

  // `exit` has come.
  bool ended() const { return ended_; }
  // 0 after an orderly shutdown, else 1, as the protocol has it.
  int exit_code() const { return shut_down_ ? 0 : 1; }

 private:
  bool initialized_ = false;
  bool shut_down_ = false;
  bool ended_ = false;
};

// Serves until the input or the session ends; gives the exit code. For a thread of its own.
int serve_standalone(int input, int output);

}  // namespace strop::agent
