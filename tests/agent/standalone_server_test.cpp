// The language server that the agent is by itself: the protocol's beginning and end, all else
// refused.
#include "agent/provider/standalone_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "agent/rewrite.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;

json request(const std::string& method, const json& id = 1) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
}
json notification(const std::string& method) { return {{"jsonrpc", "2.0"}, {"method", method}}; }

json answer_to(StandaloneServer& server, const json& message) {
  const auto answer = server.on_message(message.dump());
  return answer ? json::parse(*answer) : json("silence");
}
int code_of(const json& answer) { return answer["error"]["code"].get<int>(); }

TEST(StandaloneServer, AnOrderlySession) {
  StandaloneServer server;
  const json begun = answer_to(server, request("initialize", "a"));
  EXPECT_EQ(begun["id"], "a");
  EXPECT_EQ(begun["result"]["capabilities"]["textDocumentSync"]["change"], 2);
  EXPECT_EQ(answer_to(server, notification("initialized")), "silence");
  EXPECT_EQ(answer_to(server, request("shutdown", 2)),
            json::parse(R"({"jsonrpc": "2.0", "id": 2, "result": null})"));
  EXPECT_FALSE(server.ended());
  EXPECT_EQ(answer_to(server, notification("exit")), "silence");
  EXPECT_TRUE(server.ended());
  EXPECT_EQ(server.exit_code(), 0);
}

TEST(StandaloneServer, AnEndWithoutShutdownIsAFailure) {
  StandaloneServer server;
  answer_to(server, notification("exit"));
  EXPECT_TRUE(server.ended());
  EXPECT_EQ(server.exit_code(), 1);
}

TEST(StandaloneServer, RefusesWhatIsOutOfOrder) {
  StandaloneServer server;
  EXPECT_EQ(code_of(answer_to(server, request("textDocument/hover"))), -32002);
  EXPECT_EQ(code_of(answer_to(server, request("shutdown"))), -32002);
  answer_to(server, request("initialize"));
  EXPECT_EQ(code_of(answer_to(server, request("initialize"))), -32600);
  EXPECT_EQ(code_of(answer_to(server, request("textDocument/hover"))), -32601);
  answer_to(server, request("shutdown"));
  EXPECT_EQ(code_of(answer_to(server, request("textDocument/hover"))), -32600);
}

TEST(StandaloneServer, WhatIsNoMessageIsRefusedWithoutAnId) {
  StandaloneServer server;
  const json answer = json::parse(server.on_message("garbage").value());
  EXPECT_TRUE(answer["id"].is_null());
  EXPECT_EQ(code_of(answer), -32600);
}

TEST(StandaloneServer, AnAnswerNeedsNone) {
  StandaloneServer server;
  EXPECT_FALSE(server.on_message(R"({"jsonrpc": "2.0", "id": 1, "result": null})"));
}

// Runs it over pipes, which hold all that is said here.
class Pipes {
 public:
  Pipes() {
    if (::pipe(in_.data()) != 0 || ::pipe(out_.data()) != 0) throw std::runtime_error("pipe");
  }
  ~Pipes() {
    for (const int end : {in_[0], in_[1], out_[0], out_[1]})
      if (end >= 0) ::close(end);
  }
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  int serve(const std::string& said) {
    if (::write(in_[1], said.data(), said.size()) != static_cast<ssize_t>(said.size()))
      throw std::runtime_error("write");
    ::close(std::exchange(in_[1], -1));
    const int code = serve_standalone(in_[0], out_[1]);
    ::close(std::exchange(out_[1], -1));
    return code;
  }
  std::string answered() const {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(out_[0], buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  std::array<int, 2> in_{-1, -1};
  std::array<int, 2> out_{-1, -1};
};

TEST(StandaloneServer, ServesFramesUntilExit) {
  Pipes pipes;
  EXPECT_EQ(pipes.serve(frame(request("initialize").dump()) + frame(request("shutdown", 2).dump()) +
                        frame(notification("exit").dump()) + frame(request("hover", 3).dump())),
            0);
  const std::string answers = pipes.answered();
  EXPECT_EQ(answers.find(R"("id":3)"), std::string::npos) << "after exit nothing is answered";
  EXPECT_NE(answers.find(R"({"jsonrpc":"2.0","id":2,"result":null})"), std::string::npos);
}

TEST(StandaloneServer, ItsInputsEndIsItsEnd) {
  Pipes pipes;
  EXPECT_EQ(pipes.serve(frame(request("initialize").dump())), 1);
}

}  // namespace
}  // namespace strop::agent::test
