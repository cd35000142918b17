// The main thread's watch: the server's end, signals passed on, an editor that has gone.
#include "agent/supervisor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <thread>

#include "agent/relay_ends.h"

namespace strop::agent {
namespace {

// The test's process stands for the agent: what it is sent goes to the server. Its own children are
// started with an empty mask.
class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    const sigset_t handled = handled_signals();
    ::pthread_sigmask(SIG_BLOCK, &handled, &before_);
  }
  ~SupervisorTest() override {
    relay_.reset();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  void serve(const std::string& script) {
    sigset_t none;
    sigemptyset(&none);
    auto child = ChildProcess::start({"sh", "-c", script}, none);
    ASSERT_TRUE(child) << child.error();
    child_ = std::move(*child);
    wire();
    ends_.to_server = std::move(child_->input());
    ends_.from_server = std::move(child_->output());
    relay_.emplace(std::move(ends_), nullptr);
    relay_->start();
  }

  void wire() {
    Stage stage;
    editor_ = std::move(stage.editor);
    ends_ = std::move(stage.relay);
    server_ = std::move(stage.server);
  }

  // Waits for a line of the server's, so that its traps are set.
  void hear(const std::string& line) { ASSERT_EQ(editor_.read(line.size()), line); }

  ChildEnd watch() { return Supervisor(handled_signals(), &*child_, *relay_).watch(); }

  sigset_t before_;
  End editor_;
  End server_;
  RelayEnds ends_;
  std::optional<ChildProcess> child_;
  std::optional<Relay> relay_;
};

TEST_F(SupervisorTest, TheServersEndIsTheEnd) {
  serve("exit 7");
  EXPECT_EQ(watch(), (ChildEnd{false, 7}));
}

TEST_F(SupervisorTest, TheServersSignalIsTheEnd) {
  serve("kill -KILL $$");
  EXPECT_EQ(watch(), (ChildEnd{true, SIGKILL}));
}

TEST_F(SupervisorTest, AServerThatEndsByItselfAfterItsInputIsLeftToThat) {
  serve("cat; exit 5");
  editor_.out.close();
  EXPECT_EQ(watch(), (ChildEnd{false, 5}));
}

TEST_F(SupervisorTest, SignalsArePassedOn) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    serve("trap 'exit 9' " + std::to_string(number) +
          "; echo ready; while :; do read line || exit 1; done");
    hear("ready\n");
    ::kill(::getpid(), number);
    // The shell's read ends by the signal.
    EXPECT_EQ(watch(), (ChildEnd{false, 9})) << number;
  }
}

TEST_F(SupervisorTest, AServerThatASignalEndsTakesTheAgentAlong) {
  serve("echo ready; exec cat");
  hear("ready\n");
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(watch(), (ChildEnd{true, SIGTERM}));
}

// A process that has ended, or is about to, as the editor.
pid_t editor_that_ends() {
  const pid_t editor = ::fork();
  if (editor == 0) ::_exit(0);
  return editor;
}

TEST_F(SupervisorTest, WhenTheEditorHasGoneTheServersInputEnds) {
  serve("echo ready; cat >/dev/null; exit 6");
  hear("ready\n");
  // The pipe is still open: some process of the editor's has it.
  const pid_t editor = editor_that_ends();
  ASSERT_GT(editor, 0);
  Supervisor supervisor(handled_signals(), &*child_, *relay_);
  supervisor.watch_editor(editor);
  EXPECT_EQ(supervisor.watch(), (ChildEnd{false, 6}));
  ::waitpid(editor, nullptr, 0);
}

TEST_F(SupervisorTest, AServerThatDoesNotMindIsAskedToEnd) {
  serve("echo ready; exec tail -f /dev/null");
  hear("ready\n");
  const pid_t editor = editor_that_ends();
  ASSERT_GT(editor, 0);
  Supervisor supervisor(handled_signals(), &*child_, *relay_);
  supervisor.watch_editor(editor);
  EXPECT_EQ(supervisor.watch(), (ChildEnd{true, SIGTERM}));
  ::waitpid(editor, nullptr, 0);
}

TEST_F(SupervisorTest, AnEditorThatStillSpeaksHasNotGone) {
  serve("cat; exit 6");
  const pid_t editor = editor_that_ends();
  ASSERT_GT(editor, 0);
  Supervisor supervisor(handled_signals(), &*child_, *relay_);
  supervisor.watch_editor(editor);
  // It goes on for longer than silence is waited for.
  std::thread speaker([&] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
    int answers = 0;
    while (std::chrono::steady_clock::now() < until) {
      if (!editor_.write("x") || editor_.read(1) != "x") break;
      ++answers;
    }
    EXPECT_GE(std::chrono::steady_clock::now(), until) << "cut off after " << answers;
    editor_.out.close();
  });
  EXPECT_EQ(supervisor.watch(), (ChildEnd{false, 6}));
  speaker.join();
  ::waitpid(editor, nullptr, 0);
}

TEST_F(SupervisorTest, ProcessesThatCannotBeWatchedAreNot) {
  for (const long long process : {0LL, -1LL, 1LL, static_cast<long long>(::getpid()), 1LL << 40}) {
    serve("cat; exit 4");
    Supervisor supervisor(handled_signals(), &*child_, *relay_);
    supervisor.watch_editor(process);
    editor_.out.close();
    EXPECT_EQ(supervisor.watch(), (ChildEnd{false, 4})) << process;
  }
}

TEST_F(SupervisorTest, WithoutAServerTheAgentsOwnEndCounts) {
  wire();
  relay_.emplace(std::move(ends_), nullptr);
  Supervisor supervisor(handled_signals(), nullptr, *relay_);
  std::thread server([&] { supervisor.end_alone(3); });
  EXPECT_EQ(supervisor.watch(), (ChildEnd{false, 3}));
  server.join();
}

TEST_F(SupervisorTest, WithoutAServerASignalIsTheEnd) {
  wire();
  relay_.emplace(std::move(ends_), nullptr);
  Supervisor supervisor(handled_signals(), nullptr, *relay_);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(supervisor.watch(), (ChildEnd{true, SIGTERM}));
}

}  // namespace
}  // namespace strop::agent
