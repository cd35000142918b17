// The writing end towards the editor or the server: writes all of it, waits while the other side
// does not read, and can be told to give up.
//
// Owns its descriptor. One thread writes; stop() may come from any. Waiting never holds a lock.
// Errors: kClosed, when the other side has gone.
#pragma once

#include <string_view>
#include <utility>

#include "agent/interruptible_end.h"

namespace strop::agent {

class Outlet {
 public:
  enum class Result { kWritten, kClosed, kStopped };

  explicit Outlet(FileDescriptor descriptor)
      : end_(std::move(descriptor), InterruptibleEnd::Use::kWrite) {}

  // As InterruptibleEnd's.
  void attach() { end_.attach(); }
  void detach() { end_.detach(); }

  Result write(std::string_view bytes);

  // As InterruptibleEnd::move_to.
  ssize_t take_from(InterruptibleEnd& input, std::size_t size) { return input.move_to(end_, size); }

  bool is_full() const { return end_.is_full(); }
  bool is_pipe() const { return end_.is_pipe(); }

  // There is no more time: what there is no room for is not written.
  void stop() { end_.interrupt(); }

  // The other side reads the end.
  void close() { end_.close(); }

 private:
  InterruptibleEnd end_;
  bool stopping_ = false;  // the writing thread was told
};

}  // namespace strop::agent
