#include "agent/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace strop::agent {
namespace {

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

tl::expected<Pipe, std::string> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return tl::unexpected(std::string("no pipe: ") + std::strerror(errno));
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// In the child, after fork: async-signal-safe calls alone.
[[noreturn]] void become(char* const* arguments, int input, int output, int report, pid_t parent,
                         const sigset_t& signals) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it went before the line above
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  if (::dup2(input, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0)
    ::execvp(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &error, sizeof error);
  ::_exit(127);
}

// What the child reports before it has become the command: an errno, or nothing when it has.
int read_report(const FileDescriptor& report) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

std::string cannot_start(const std::string& command, int error) {
  return "cannot start '" + command + "': " + std::strerror(error) +
         (error == ENOENT ? ". Is the server installed, and in PATH?" : "");
}

// A descriptor 0, 1 or 2 of a pipe would be overwritten by dup2 in the child.
void keep_standard_descriptors_taken() {
  int descriptor = -1;
  do {
    descriptor = ::open("/dev/null", O_RDWR);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

tl::expected<ChildProcess, std::string> ChildProcess::start(const std::vector<std::string>& command,
                                                            const sigset_t& signals) {
  keep_standard_descriptors_taken();
  auto in = make_pipe();
  auto out = make_pipe();
  auto report = make_pipe();
  if (!in || !out || !report)
    return tl::unexpected("cannot start '" + command.front() + "': too many files are open");
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  const pid_t parent = ::getpid();
  ChildProcess child;
  child.pid_ = ::fork();
  if (child.pid_ < 0) return tl::unexpected(cannot_start(command.front(), errno));
  if (child.pid_ == 0)
    become(arguments.data(), in->read.get(), out->write.get(), report->write.get(), parent,
           signals);
  report->write.close();
  if (const int error = read_report(report->read); error != 0) {
    ::waitpid(child.pid_, nullptr, 0);
    return tl::unexpected(cannot_start(command.front(), error));
  }
  child.input_ = std::move(in->write);
  child.output_ = std::move(out->read);
  child.end_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
  return child;
}

void ChildProcess::signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

std::optional<ChildEnd> ChildProcess::reap() {
  int status = 0;
  if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    if (WIFEXITED(status)) ended_ = ChildEnd{false, WEXITSTATUS(status)};
    if (WIFSIGNALED(status)) ended_ = ChildEnd{true, WTERMSIG(status)};
  }
  return ended_;
}

void end_like(const ChildEnd& end) {
  if (end.signalled) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(end.code, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, end.code);
    ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    ::raise(end.code);
  }
  ::_exit(end.signalled ? 128 + end.code : end.code);
}

}  // namespace strop::agent
