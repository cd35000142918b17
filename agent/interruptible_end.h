// An end of a pipe or socket that one thread reads or writes, waiting in the kernel, and that other
// threads can call it back from: one system call for each read or write, where a wait for several
// descriptors would need two; and one for both between two pipes.
//
// Owns its descriptor, which may share its file description with others: its flags are left alone,
// and where they say not to wait, poll waits. One thread reads or writes and closes; interrupt(),
// waiting_bytes() and is_full() may come from any. How: the descriptor's number is put over one
// that gives an error at once, then the thread gets a signal (SIGURG, which means nothing to
// others), so that it is called back whether it waits already or is only about to. Errors:
// std::runtime_error when too many files are open; read and write tell the rest as the kernel does,
// -1 and errno.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cstddef>
#include <mutex>

#include "agent/file_descriptor.h"

namespace strop::agent {

class InterruptibleEnd {
 public:
  enum class Use { kRead, kWrite };
  static constexpr ssize_t kInterrupted = -2;
  static constexpr ssize_t kNotMovable = -3;

  InterruptibleEnd(FileDescriptor end, Use use);

  // The thread that reads or writes from now on is this one, until it says that it does no more.
  void attach();
  void detach();

  // At least a byte; 0 at the end of the input. kInterrupted: once for each interrupt(), or for
  // several at a time.
  ssize_t read(char* into, std::size_t size);
  ssize_t write(const char* bytes, std::size_t size);
  // What there is room for without waiting, no more than a page; 0: nothing.
  ssize_t write_now(const char* bytes, std::size_t size);

  // Up to so many bytes from here to there, by the kernel alone: at least one; 0 at the end of the
  // input. kInterrupted: either of the two was, and this one is not any more. kNotMovable: not
  // between such ends. For a thread that is attached to both.
  ssize_t move_to(InterruptibleEnd& to, std::size_t size);

  void interrupt();

  // What could be read now.
  std::size_t waiting_bytes() const;
  // Whether a write would wait.
  bool is_full() const;
  bool is_pipe() const { return pipe_; }
  void close();

 private:
  enum class Setback { kAgain, kInterrupted, kFailed };
  Setback set_back(int error);
  bool take_interrupt();
  bool is_interrupted() const;
  ssize_t put(const char* bytes, std::size_t size);

  const Use use_;
  bool socket_ = false;
  bool pipe_ = false;
  FileDescriptor live_;  // its number is what the thread uses

  mutable std::mutex end_mutex_;
  // Guarded by end_mutex_.
  FileDescriptor real_;     // what live_ stands for
  FileDescriptor blocked_;  // gives an error whatever is done with it
  pthread_t thread_{};
  bool attached_ = false;
  bool interrupted_ = false;
};

}  // namespace strop::agent
