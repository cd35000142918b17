// The server as a child: what it inherits, how its end is told and passed on.
#include "agent/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <fstream>
#include <thread>

#include "agent/relay_ends.h"
#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;

sigset_t no_signals() {
  sigset_t none;
  sigemptyset(&none);
  return none;
}

ChildProcess start(const std::vector<std::string>& command,
                   const sigset_t& signals = no_signals()) {
  auto child = ChildProcess::start(command, signals);
  if (!child) throw std::runtime_error(child.error());
  return std::move(*child);
}

ChildProcess shell(const std::string& script) { return start({"sh", "-c", script}); }

bool readable(int descriptor) {
  pollfd wanted{descriptor, POLLIN, 0};
  return ::poll(&wanted, 1, static_cast<int>(kPatience.count())) == 1;
}

std::optional<ChildEnd> end_of(ChildProcess& child) {
  if (!readable(child.end().get())) return std::nullopt;
  return child.reap();
}

std::string said(ChildProcess& child) {
  End end;
  end.in = unblocked(std::move(child.output()));
  std::string text = end.read_all();
  EXPECT_EQ(end_of(child), (ChildEnd{false, 0}));
  return text;
}

TEST(ChildProcessTest, ExitCodesAreTold) {
  for (const int code : {0, 1, 3, 127, 255}) {
    ChildProcess child = shell("exit " + std::to_string(code));
    EXPECT_EQ(end_of(child), (ChildEnd{false, code}));
    EXPECT_EQ(child.reap(), (ChildEnd{false, code}));  // and told again
  }
}

TEST(ChildProcessTest, WhileItRunsThereIsNoEnd) {
  ChildProcess child = start({"cat"});
  EXPECT_EQ(child.reap(), std::nullopt);
  child.input().close();
  EXPECT_EQ(end_of(child), (ChildEnd{false, 0}));
}

TEST(ChildProcessTest, SignalsReachItAndAreTold) {
  for (const int number : {SIGTERM, SIGKILL, SIGHUP}) {
    ChildProcess child = start({"cat"});
    child.signal(number);
    EXPECT_EQ(end_of(child), (ChildEnd{true, number}));
    child.signal(number);  // to nobody: the number may be another's by now
  }
}

TEST(ChildProcessTest, ReadsAndWritesOverThePipes) {
  ChildProcess child = start({"cat"});
  End end;
  end.out = unblocked(std::move(child.input()));
  end.in = unblocked(std::move(child.output()));
  const std::string text(1u << 18, 'x');
  std::thread writer([&] {
    EXPECT_TRUE(end.write(text));
    end.out.close();
  });
  EXPECT_TRUE(end.read_all() == text);
  writer.join();
  EXPECT_EQ(end_of(child), (ChildEnd{false, 0}));
}

TEST(ChildProcessTest, ArgumentsArePassedAsTheyAre) {
  ChildProcess child = start({"printf", "%s|", "a b", "", "$HOME", "'"});
  EXPECT_EQ(said(child), "a b||$HOME|'|");
}

TEST(ChildProcessTest, AServerThatDoesNotExistIsNamedWithWhatToLookAt) {
  const auto child = ChildProcess::start({"strop-no-such-server", "--stdio"}, no_signals());
  ASSERT_FALSE(child);
  EXPECT_THAT(child.error(), AllOf(HasSubstr("cannot start 'strop-no-such-server'"),
                                   HasSubstr("No such file"), HasSubstr("in PATH?")));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(ChildProcessTest, AFileThatIsNoProgramIsNamed) {
  const support::TemporaryFolder folder;
  const auto file = folder / "server";
  std::ofstream(file) << "text";
  const auto child = ChildProcess::start({file.string()}, no_signals());
  ASSERT_FALSE(child);
  EXPECT_THAT(child.error(), AllOf(HasSubstr(file.string()), HasSubstr("Permission denied")));
}

TEST(ChildProcessTest, StderrIsOurs) {
  auto [read, write] = make_wire(Wire::kPipe);
  const FileDescriptor ours(::dup(STDERR_FILENO));
  ::dup2(write.get(), STDERR_FILENO);
  ChildProcess child = shell("echo trouble >&2");
  ::dup2(ours.get(), STDERR_FILENO);
  write.close();
  End end;
  end.in = unblocked(std::move(read));
  EXPECT_EQ(end.read_all(), "trouble\n");
  EXPECT_EQ(end_of(child), (ChildEnd{false, 0}));
}

TEST(ChildProcessTest, TheFolderAndTheEnvironmentAreOurs) {
  ::setenv("STROP_TEST_VARIABLE", "seen", 1);
  ChildProcess child = shell("echo $STROP_TEST_VARIABLE; pwd -P");
  ::unsetenv("STROP_TEST_VARIABLE");
  EXPECT_EQ(said(child), "seen\n" + std::filesystem::current_path().string() + "\n");
}

TEST(ChildProcessTest, TheMaskIsTheOneGivenNotTheAgents) {
  sigset_t given;
  sigemptyset(&given);
  sigaddset(&given, SIGUSR2);
  sigset_t agents;
  sigemptyset(&agents);
  sigaddset(&agents, SIGUSR1);
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &agents, &before);
  ChildProcess child = start({"grep", "SigBlk", "/proc/self/status"}, given);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(said(child), "SigBlk:\t0000000000000800\n");
}

TEST(ChildProcessTest, NoOtherDescriptorIsInherited) {
  ChildProcess first = start({"cat"});
  ChildProcess second = start({"cat"});  // must not keep the first one's input open
  first.input().close();
  EXPECT_EQ(end_of(first), (ChildEnd{false, 0}));
  second.input().close();
  EXPECT_EQ(end_of(second), (ChildEnd{false, 0}));
}

// Waits for an end that is not its own child's, then says whether there was one.
bool ends(pid_t process) {
  const FileDescriptor watch(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  return !watch.is_open() || readable(watch.get());
}

TEST(ChildProcessTest, WhoKillsTheAgentKillsTheServer) {
  auto [read, write] = make_wire(Wire::kPipe);
  const pid_t agent = ::fork();
  ASSERT_GE(agent, 0);
  if (agent == 0) {
    // It does not read its input, so that only the signal can end it.
    auto server = ChildProcess::start({"tail", "-f", "/dev/null"}, no_signals());
    const pid_t pid = server ? server->pid() : -1;
    if (::write(write.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  write.close();
  pid_t server = -1;
  ASSERT_TRUE(readable(read.get()));
  ASSERT_EQ(::read(read.get(), &server, sizeof server), static_cast<ssize_t>(sizeof server));
  ASSERT_GT(server, 0);
  ::kill(agent, SIGKILL);
  ::waitpid(agent, nullptr, 0);
  EXPECT_TRUE(ends(server));
}

// A session may be started with standard descriptors closed.
TEST(ChildProcessDeathTest, StartsWithoutStandardDescriptors) {
  EXPECT_EXIT(
      {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
        ChildProcess child = start({"cat"});
        End end;
        end.out = unblocked(std::move(child.input()));
        end.in = unblocked(std::move(child.output()));
        const bool wrote = end.write("echo");
        ::_exit(wrote && end.read(4) == "echo" ? 42 : 1);
      },
      testing::ExitedWithCode(42), "");
}

TEST(ChildProcessDeathTest, EndsAsTheServerEnded) {
  for (const int code : {0, 3, 255})
    EXPECT_EXIT(end_like({false, code}), testing::ExitedWithCode(code), "");
  for (const int number : {SIGTERM, SIGKILL, SIGSEGV, SIGINT})
    EXPECT_EXIT(end_like({true, number}), testing::KilledBySignal(number), "");
}

TEST(ChildProcessDeathTest, EndsByASignalThatIsBlockedOrCaught) {
  EXPECT_EXIT(
      {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        ::signal(SIGTERM, SIG_IGN);
        end_like({true, SIGTERM});
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace strop::agent
