// What an extension is told of the agent, and pausing through it.
#include "agent/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "agent/answers.h"
#include "agent/inspector.h"
#include "agent/interceptor_fixture.h"
#include "support/temporary_folder.h"

namespace strop::agent {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using support::TemporaryFolder;

class ControlTest : public InterceptorTest {
 protected:
  ControlTest()
      : control_(
            {.mode = Mode::kFull, .state = folder_ / "state"},
            [this](std::string_view uri) {
              asked_ = uri;
              return CaptureRuling{Captured::kCounts, "no_consent"};
            },
            [this](std::string_view uri) {
              EXPECT_EQ(uri, asked_);
              return completer_;
            },
            [this] { ++looks_; }) {
    interceptor_->set_control(&desk_);
    interceptor_->set_inject([this](std::string frame) {
      answers_.push(std::move(frame));
      return true;
    });
  }

  // The agent's answer to a request that no server sees.
  json ask(const std::string& method, const std::string& params = "{}") {
    EXPECT_EQ(editor(R"({"id":7,"method":")" + method + R"(","params":)" + params + "}"), "");
    const std::string frame = answers_.next();
    json answer = json::parse(frame.substr(frame.find("\r\n\r\n") + 4));
    EXPECT_EQ(answer["id"], 7);
    return answer;
  }

  TemporaryFolder folder_;
  std::string asked_;
  std::optional<Completer> completer_ = Completer{"strop", "http://127.0.0.1:1", "", std::nullopt};
  int looks_ = 0;
  test::Answers<std::string> answers_;
  Control control_;
  ControlDesk desk_{control_};
};

TEST_F(ControlTest, TheStatusSaysWhatIsCapturedAndByWhichRule) {
  EXPECT_EQ(ask("strop/status", R"({"uri":"file:///a.py"})")["result"],
            json({{"protocol", 1},
                  {"version", STROP_VERSION},
                  {"mode", "full"},
                  {"paused", false},
                  {"capturing", "counts"},
                  {"rule", "no_consent"},
                  {"provider", {{"name", "strop"}, {"url", "http://127.0.0.1:1"}}}}));
  EXPECT_EQ(asked_, "file:///a.py");
  ask("strop/status", "null");
  EXPECT_EQ(asked_, "");
}

TEST_F(ControlTest, TheStatusNamesTheServerAndModelOfTheArm) {
  completer_ = Completer{"vendor.example", "https://vendor.example/v1", "honed-3", "b"};
  EXPECT_EQ(ask("strop/status", R"({"uri":"file:///a.py"})")["result"]["provider"],
            json({{"name", "vendor.example"},
                  {"url", "https://vendor.example/v1"},
                  {"model", "honed-3"},
                  {"arm", "b"}}));
  completer_.reset();
  EXPECT_EQ(ask("strop/status")["result"]["provider"], nullptr);
}

TEST_F(ControlTest, PauseHoldsForAllAgentsUntilResume) {
  EXPECT_EQ(ask("strop/pause")["result"]["paused"], true);
  EXPECT_TRUE(is_paused(folder_ / "state"));
  EXPECT_EQ(looks_, 1);
  EXPECT_EQ(ask("strop/pause")["result"]["paused"], true);  // twice is once
  EXPECT_EQ(ask("strop/resume")["result"]["paused"], false);
  EXPECT_FALSE(is_paused(folder_ / "state"));
  EXPECT_EQ(looks_, 3);
}

TEST_F(ControlTest, WhatCannotBeDoneIsAnError) {
  std::filesystem::create_directories(folder_ / "state" / "paused" / "full");
  const json answer = ask("strop/resume");
  EXPECT_EQ(answer["error"]["code"], kRequestFailed);
  EXPECT_THAT(answer["error"]["message"].get<std::string>(), HasSubstr("cannot resume"));
  EXPECT_EQ(looks_, 0);
}

TEST_F(ControlTest, UnknownRequestsAreRefusedUnknownNotificationsDropped) {
  EXPECT_EQ(ask("strop/dance")["error"]["code"], kMethodNotFound);
  EXPECT_EQ(editor(R"({"method":"strop/dance"})"), "");
  EXPECT_EQ(interceptor_->counts().own_unknown, 1u);
  EXPECT_EQ(editor(R"({"method":"strop/rate","params":{}})"), "");
  EXPECT_EQ(interceptor_->counts().own_unknown, 1u);
  EXPECT_EQ(interceptor_->counts().own_requests, 1u);
}

TEST_F(ControlTest, WhatOnlyResemblesIsTheServers) {
  for (const std::string method : {"stroppy/status", "$/strop/status", "strop"}) {
    const std::string body = R"({"id":1,"method":")" + method + R"("})";
    EXPECT_EQ(editor(body), body);
  }
  EXPECT_EQ(interceptor_->counts().own_requests, 0u);
}

TEST_F(ControlTest, AnItemThatComesBackIsAsTheServerMadeIt) {
  initialize(
      R"({"executeCommandProvider":{"commands":["copilot.accept"]},"inlineCompletionProvider":true})");
  editor(inline_request("5"));
  const std::string answer = server(
      R"({"id":5,"result":{"items":[{"insertText":"x","command":{"title":"","command":"copilot.accept","arguments":["u-1"]}},{"insertText":"y"}]}})");
  const json items = json::parse(answer)["result"]["items"];
  ASSERT_EQ(items[0]["command"]["command"], kAcceptCommand);
  const auto back = [&](const json& item) {
    return json::parse(editor(
        json({{"method", "textDocument/didShowCompletion"}, {"params", {{"item", item}}}}).dump()));
  };
  EXPECT_EQ(
      back(items[0])["params"]["item"],
      json::parse(
          R"({"insertText":"x","command":{"title":"","command":"copilot.accept","arguments":["u-1"]}})"));
  EXPECT_EQ(back(items[1])["params"]["item"], json::parse(R"({"insertText":"y"})"));
  EXPECT_EQ(interceptor_->counts().unwrapped, 2u);
  const std::string own =
      R"({"method":"textDocument/didShowCompletion","params":{"item":{"insertText":"z"}}})";
  EXPECT_EQ(editor(own), own);
}

}  // namespace
}  // namespace strop::agent
