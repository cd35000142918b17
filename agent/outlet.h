// The writing end towards the editor or the server: writes all of it, waits while the other side
// does not read, and can be told to give up.
//
// Owns its descriptor. One thread writes. Waiting never holds a lock. The inherited stdout may
// share its file description with others, so its blocking flag is left alone: a pipe is opened
// anew, a socket is written with a flag, and to anything else (a file, a terminal) a plain write
// waits. Errors: kClosed, when the other side has gone.
#pragma once

#include <string_view>

#include "agent/file_descriptor.h"

namespace strop::agent {

class Outlet {
 public:
  enum class Result { kWritten, kClosed, kStopped };

  explicit Outlet(FileDescriptor descriptor);

  // `stop`: a descriptor that becomes readable when there is no more time.
  Result write(std::string_view bytes, int stop);

  // The other side reads the end.
  void close();

 private:
  ssize_t put(std::string_view bytes);

  FileDescriptor descriptor_;
  bool socket_ = false;
};

}  // namespace strop::agent
