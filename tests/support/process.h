// A program under test, started with the descriptors it is to have.
//
// Owns the process, and kills it when it goes. One thread. Errors: that it cannot be started, or
// does not end in time, is an exception.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/descriptor.h"

namespace strop::support {

// -1: /dev/null. Not taken over.
struct Streams {
  int in = -1;
  int out = -1;
  int err = -1;
};

class Process {
 public:
  static constexpr std::chrono::seconds kPatience{60};

  // Looks the command up in PATH; this process' environment.
  Process(std::vector<std::string> command, const Streams& streams) {
    const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const auto or_null = [&null](int given) { return given < 0 ? null.get() : given; };
    // Copies above the standard three, so that one dup2 cannot overwrite what the next needs.
    std::array<Descriptor, 3> copies;
    const std::array<int, 3> given{streams.in, streams.out, streams.err};
    for (std::size_t i = 0; i < given.size(); ++i)
      copies[i] = Descriptor(::fcntl(or_null(given[i]), F_DUPFD_CLOEXEC, 10));
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (int i = 0; i < 3; ++i)
      posix_spawn_file_actions_adddup2(&files, copies[static_cast<std::size_t>(i)].get(), i);
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int fault = ::posix_spawnp(&id_, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (fault != 0) throw std::runtime_error("cannot start " + command.front());
    end_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, id_, 0)));
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
  }

  pid_t id() const { return id_; }
  void signal(int number) const { ::kill(id_, number); }

  bool has_ended(std::chrono::milliseconds patience) const {
    pollfd end{end_.get(), POLLIN, 0};
    return ::poll(&end, 1, static_cast<int>(patience.count())) > 0;
  }

  // Its exit code, or 128 + the signal that ended it, as a shell says it.
  int wait(std::chrono::milliseconds patience = kPatience) {
    if (!has_ended(patience)) throw std::runtime_error("a program under test does not end");
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int end(int number) {
    signal(number);
    return wait();
  }

 private:
  pid_t id_ = -1;
  Descriptor end_;
};

}  // namespace strop::support
