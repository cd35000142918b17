// The agent's command line as a process: what keeps a server from starting, and what does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "integration/agent_process.h"
#include "support/session_player.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;
using testing::HasSubstr;

class AgentCommandsTest : public testing::Test {
 protected:
  void configure(const std::string& toml) const {
    std::filesystem::create_directories(agent_.at("config/strop"));
    std::ofstream(agent_.at("config/strop/agent.toml")) << toml;
  }
  std::string log() const { return content(agent_.at("state/strop/agent.log")); }

  AgentProcess agent_;
};

TEST_F(AgentCommandsTest, AKeyThatIsMissingKeepsNobodyFromTheServer) {
  configure(
      "[collector]\nendpoint = \"tcp://127.0.0.1:7341\"\n"
      "server_key_file = \"/no/such.pub\"\nkey_file = \"/no/such.key\"\n");
  for (const char* mode : {"off", "metrics-only"}) {
    agent_.start({"--mode", mode, "--", "/bin/sh", "-c", "exit 7"});
    EXPECT_EQ(agent_.process().wait(), 7) << agent_.errors();
  }
  EXPECT_EQ(agent_.errors(), "");
  EXPECT_THAT(log(), HasSubstr("/no/such.pub"));
}

TEST_F(AgentCommandsTest, WithAProviderConfiguredTheProgramAloneServesIt) {
  configure("[provider]\nurl = \"http://127.0.0.1:1\"\n");
  const std::string exit = R"({"jsonrpc":"2.0","method":"exit"})";
  agent_.start({});
  const std::string frame = "Content-Length: " + std::to_string(exit.size()) + "\r\n\r\n" + exit;
  ASSERT_EQ(::write(agent_.to_agent().get(), frame.data(), frame.size()),
            static_cast<ssize_t>(frame.size()));
  EXPECT_EQ(agent_.process().wait(), 1) << "exit without shutdown, says LSP, is 1";
  EXPECT_EQ(agent_.errors(), "");
}

TEST_F(AgentCommandsTest, WithNothingToServeItSaysWhatToGive) {
  EXPECT_EQ(agent_.run({}).code, 2);
  EXPECT_THAT(agent_.errors(), HasSubstr("strop-agent -- clangd"));
}

TEST_F(AgentCommandsTest, ForgottenDashesAreSuggested) {
  EXPECT_EQ(agent_.run({"--mode", "full", "clangd", "--log=error"}).code, 2);
  EXPECT_THAT(agent_.errors(), HasSubstr("`strop-agent --mode full -- clangd --log=error`"));
}

TEST_F(AgentCommandsTest, DashesAreNotSuggestedWhereSomethingElseIsWrong) {
  EXPECT_EQ(agent_.run({"--colour", "red"}).code, 2);
  EXPECT_EQ(agent_.run({"inspect", "all"}).code, 2);
  EXPECT_THAT(agent_.errors(), testing::Not(HasSubstr("Did you mean")));
}

TEST_F(AgentCommandsTest, AnOutputThatCannotBeWrittenIsAFailure) {
  const std::vector<std::vector<std::string>> commands{
      {"inspect"}, {"inspect", "--json"}, {"doctor"}};
  for (const auto& command : commands) {
    const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const Descriptor errors = open_to_append(agent_.at("errors"));
    Process process(agent_.command(command), Streams{-1, full.get(), errors.get()});
    EXPECT_EQ(process.wait(), 1) << command.front();
  }
  EXPECT_THAT(agent_.errors(), HasSubstr("could not be written"));
}

// Pyright does not say who it is.
TEST_F(AgentCommandsTest, EventsOfAServerWithoutANameAreNamedByItsCommand) {
  const auto session = std::filesystem::path(STROP_TESTS_DIR) / "sessions/pyright_scripted.jsonl";
  agent_.start({"--", STROP_BIN_DIR "/../tests/strop-scripted-server", session.string(),
                agent_.at("").string(), "whole", "1"});
  SessionPlayer editor(true, agent_.from_agent().get(), agent_.to_agent().get(),
                       Splitter(Split::kWhole, 1));
  editor.play(in_causal_order(read_session(session)));
  EXPECT_GT(agent_.await_captured(), 0);
  agent_.to_agent().close();
  editor.read_to_end();
  ASSERT_EQ(agent_.process().wait(), 0) << agent_.errors();
  const json kept = json::parse(agent_.run({"inspect", "--json"}).out)["records"];
  EXPECT_FALSE(kept.empty());
  for (const json& record : kept)
    EXPECT_EQ(json::parse(record["bytes"].get<std::string>())["server"], "strop-scripted-server");
}

}  // namespace
}  // namespace strop
