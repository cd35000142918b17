// The agent as a process: it starts, ends, fails and is signalled as if the server ran directly.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>

#include "integration/agent_process.h"

namespace strop {
namespace {

using namespace support;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kPatience{30'000};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kMostResidentKb = 1 << 20;  // shadow memory counts too
#else
constexpr long kMostResidentKb = 64 << 10;
#endif

// What the agent says until it has said `size` bytes or ends.
std::string read_from(const Descriptor& end, std::size_t size) {
  std::string all;
  while (all.size() < size) {
    pollfd ready{end.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPatience.count()) <= 0) throw std::runtime_error("silence");
    char buffer[65536];
    const ssize_t count = ::read(end.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    all.append(buffer, static_cast<std::size_t>(count));
  }
  return all;
}

std::string rest_of(const Descriptor& end) { return read_from(end, std::string::npos); }

// A zombie, which nobody may have reaped, is not.
bool is_alive(pid_t id) {
  const std::string stat = content("/proc/" + std::to_string(id) + "/stat");
  const std::size_t state = stat.rfind(") ");
  return state != std::string::npos && stat[state + 2] != 'Z';
}

bool ends_soon(pid_t id) {
  const auto deadline = Steady::now() + kPatience;
  while (is_alive(id) && Steady::now() < deadline) ::poll(nullptr, 0, 2);
  return !is_alive(id);
}

long resident_kb(pid_t id) {
  std::istringstream status(content("/proc/" + std::to_string(id) + "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  return 0;
}

class ProcessTest : public testing::TestWithParam<std::string> {
 protected:
  void relay(const std::string& script) {
    agent_.start({"--mode", GetParam(), "--", "/bin/sh", "-c", script});
  }
  Process& agent() { return agent_.process(); }
  AgentProcess agent_;
};

TEST_P(ProcessTest, ExitCodeAndOutputAndErrorsAreTheServers) {
  relay("printf out; printf err >&2; exit 37");
  EXPECT_EQ(rest_of(agent_.from_agent()), "out");
  EXPECT_EQ(agent().wait(), 37);
  EXPECT_EQ(agent_.errors(), "err");
}

TEST_P(ProcessTest, EndsByTheSignalThatEndedTheServer) {
  relay("kill -SEGV $$");
  EXPECT_EQ(agent().wait(), 128 + SIGSEGV);
}

TEST_P(ProcessTest, EndsWithItsServerThoughSomebodyHoldsTheOutput) {
  relay("sleep 1000 & echo $!; exit 4");
  std::string left;
  while (!left.ends_with('\n')) left += read_from(agent_.from_agent(), 1);
  EXPECT_EQ(agent().wait(), 4);
  EXPECT_EQ(::kill(std::stoi(left), SIGKILL), 0) << "it should have been there still";
}

TEST_P(ProcessTest, SignalsGoOnToTheServer) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    const std::string number = std::to_string(signal);
    relay("trap 'exit 5' " + number + "; echo; while :; do read line || sleep 0.01; done");
    ASSERT_EQ(read_from(agent_.from_agent(), 1), "\n");
    EXPECT_EQ(agent().end(signal), 5) << signal;
  }
}

TEST_P(ProcessTest, TheEditorsEndIsTheServersEndOfInput) {
  relay("cat; exit 9");
  ASSERT_EQ(::write(agent_.to_agent().get(), "rest", 4), 4);
  agent_.to_agent().close();
  EXPECT_EQ(rest_of(agent_.from_agent()), "rest");
  EXPECT_EQ(agent().wait(), 9);
}

TEST_P(ProcessTest, KilledTakesItsServerAlong) {
  relay("echo $$; exec sleep 1000");
  std::string said;
  while (!said.ends_with('\n')) said += read_from(agent_.from_agent(), 1);
  const pid_t server = std::stoi(said);
  ASSERT_TRUE(is_alive(server));
  EXPECT_EQ(agent().end(SIGKILL), 128 + SIGKILL);
  EXPECT_TRUE(ends_soon(server));
}

TEST_P(ProcessTest, AMissingServerIsSaidAndFails) {
  agent_.start({"--mode", GetParam(), "--", "no-such-language-server", "--stdio"});
  EXPECT_EQ(agent().wait(), 1);
  EXPECT_NE(agent_.errors().find("no-such-language-server"), std::string::npos) << agent_.errors();
  EXPECT_NE(agent_.errors().find("PATH"), std::string::npos) << agent_.errors();
}

TEST_P(ProcessTest, AServerThatDoesNotReadHoldsTheEditorAndNotTheMemory) {
  relay("echo; kill -STOP $$");
  ASSERT_EQ(read_from(agent_.from_agent(), 1), "\n");
  const std::string flood(1 << 16, ' ');
  ::fcntl(agent_.to_agent().get(), F_SETFL, O_NONBLOCK);
  std::size_t taken = 0;
  // Until no byte goes for half a second: pipes and buffers are full, and stay so.
  pollfd room{agent_.to_agent().get(), POLLOUT, 0};
  while (::poll(&room, 1, 500) > 0 && taken < (64u << 20)) {
    const ssize_t count = ::write(agent_.to_agent().get(), flood.data(), flood.size());
    if (count > 0) taken += static_cast<std::size_t>(count);
  }
  EXPECT_LT(taken, 1u << 20);
  EXPECT_LT(resident_kb(agent().id()), kMostResidentKb);
}

TEST_P(ProcessTest, AnEditorThatDoesNotReadDoesNotKeepTheServerFromReading) {
  // The server floods, then still reads what the editor says and tells of it.
  const std::string told = agent_.at("told");
  relay("( while :; do printf '%1000s' ''; done ) & read line; echo \"$line\" > " + told +
        "; kill $!; exit 3");
  ASSERT_EQ(::write(agent_.to_agent().get(), "hello\n", 6), 6);
  const auto deadline = Steady::now() + kPatience;
  while (content(told) != "hello\n" && Steady::now() < deadline) ::poll(nullptr, 0, 2);
  EXPECT_EQ(content(told), "hello\n");
  rest_of(agent_.from_agent());
  EXPECT_EQ(agent().wait(), 3);
}

TEST_P(ProcessTest, JunkAndCutFramesPassAsTheyAre) {
  const std::string bytes = std::string("\0\xff nonsense\r\n\r\n", 15) +
                            "Content-Length: 999999999999999999999\r\n\r\n{}" +
                            "Content-Length: 5\r\n\r\n{\"a\"" +
                            "Content-Length: 2\r\n\r\n[]Content-Length: 70\r\n\r\n{\"cut";
  relay("exec cat");
  ASSERT_EQ(::write(agent_.to_agent().get(), bytes.data(), bytes.size()),
            static_cast<ssize_t>(bytes.size()));
  agent_.to_agent().close();
  EXPECT_EQ(rest_of(agent_.from_agent()), bytes);
  EXPECT_EQ(agent().wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, ProcessTest, testing::Values("off", "metrics-only", "full"),
                         [](const auto& tried) {
                           return tried.param == "metrics-only" ? std::string("metrics")
                                                                : tried.param;
                         });

TEST(ProcessWrongUseTest, IsSaidWithWhatToDo) {
  const AgentProcess agent;
  EXPECT_EQ(agent.run({"--mode", "loud", "--", "cat"}).code, 2);
  EXPECT_EQ(agent.run({"--config", "/no/such.toml", "--", "cat"}).code, 2);
  EXPECT_EQ(agent.run({"--"}).code, 2);
  const std::string errors = agent.errors();
  for (const char* word : {"metrics-only", "/no/such.toml", "--provider"})
    EXPECT_NE(errors.find(word), std::string::npos) << word << " in " << errors;
}

}  // namespace
}  // namespace strop
