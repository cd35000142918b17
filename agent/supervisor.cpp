#include "agent/supervisor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>

namespace strop::agent {
namespace {

// An editor that has ended may have left its pipes to a process of its own that goes on.
constexpr int kWhetherEditorSpeaks = 1'000;
// For a server to end after its input has, before it is told to.
constexpr int kForTheServer = 2'000;

// A signal from the terminal reaches the whole group, the server with it.
bool reached_all(const signalfd_siginfo& info) { return info.ssi_code == SI_KERNEL; }

}  // namespace

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2})
    sigaddset(&set, number);
  return set;
}

Supervisor::Supervisor(const sigset_t& signals, ChildProcess* child, Relay& relay)
    : child_(child),
      relay_(relay),
      signals_(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Supervisor::watch_editor(long long process_id) {
  editor_process_.store(process_id);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
}

void Supervisor::end_alone(int exit_code) {
  alone_end_.store(exit_code);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
}

ChildEnd Supervisor::watch() {
  while (true) {
    if (child_ != nullptr) {
      if (const auto end = child_->reap()) return *end;
    } else if (last_signal_ != 0) {
      return {true, last_signal_};
    } else if (alone_end_.load() >= 0) {
      return {false, alone_end_.load()};
    }
    std::array<pollfd, 4> ends{{{signals_.get(), POLLIN, 0},
                                {wake_.get(), POLLIN, 0},
                                {editor_.get(), POLLIN, 0},
                                {child_ == nullptr ? -1 : child_->end().get(), POLLIN, 0}}};
    const int ready = ::poll(ends.data(), ends.size(), patience());
    if (ready == 0) be_sterner();
    if (ready <= 0) continue;
    if (ends[0].revents != 0) take_signal();
    if (ends[1].revents != 0) open_editor_watch();
    if (ends[2].revents != 0) editor_is_gone();
  }
}

int Supervisor::patience() const {
  switch (grief_) {
    case Grief::kEditorGone:
      return kWhetherEditorSpeaks;
    case Grief::kInputEnded:
      return kForTheServer;
    default:
      // A child whose end could not be made a descriptor is looked at now and then.
      return child_ != nullptr && !child_->end().is_open() ? 50 : -1;
  }
}

void Supervisor::take_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  const int number = static_cast<int>(info.ssi_signo);
  if (child_ == nullptr)
    last_signal_ = number;
  else if (!reached_all(info))
    child_->signal(number);
}

void Supervisor::open_editor_watch() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
  const long long process_id = editor_process_.exchange(0);
  // A process of another machine or container cannot be watched; that is no sign of its end.
  if (process_id > 1 && process_id != ::getpid() && !editor_.is_open())
    editor_ = FileDescriptor(
        static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process_id), 0)));
}

void Supervisor::editor_is_gone() {
  editor_.close();
  bytes_at_editors_end_ = relay_.bytes_from_editor();
  grief_ = Grief::kEditorGone;
}

// The time for what was last tried has run out.
void Supervisor::be_sterner() {
  if (grief_ == Grief::kEditorGone) {
    const bool speaks = relay_.bytes_from_editor() != bytes_at_editors_end_;
    grief_ = speaks ? Grief::kNone : Grief::kInputEnded;
    if (!speaks) relay_.end_input();
  } else if (grief_ == Grief::kInputEnded) {
    grief_ = Grief::kAsked;
    if (child_ != nullptr) child_->signal(SIGTERM);
  }
}

}  // namespace strop::agent
