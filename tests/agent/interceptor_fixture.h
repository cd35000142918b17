// An interceptor between messages that a test says, with a provider that a test answers for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/interceptor.h"

namespace strop::agent {

inline constexpr const char* kAcceptCommand = "strop.accept.0123456789abcdef0123456789abcdef";

// Keeps what it is asked; says what is under way as the test has it.
struct FakeProvider : InlineProvider {
  void ask(InlineAsk ask) override { asked.push_back(std::move(ask)); }
  bool cancel(std::string_view request_id) override {
    cancelled.emplace_back(request_id);
    return request_id == under_way;
  }
  std::vector<InlineAsk> asked;
  std::vector<std::string> cancelled;
  std::string under_way;
};

class InterceptorTest : public testing::Test {
 protected:
  InterceptorTest() { make({.accept_command = kAcceptCommand}, false); }

  void make(InterceptorOptions options, bool with_provider) {
    interceptor_ = std::make_unique<Interceptor>(std::move(options), clock_, &tap_);
    interceptor_->set_inject([this](std::string frame) {
      if (!editor_has_room_) return false;
      injected_.push_back(std::move(frame));
      return true;
    });
    if (with_provider) interceptor_->set_provider(&provider_);
  }

  // What goes on of a message: itself, another, or "" for nothing.
  std::string said(Direction direction, const std::string& body) {
    const Verdict verdict = interceptor_->on_message(direction, body);
    interceptor_->on_forwarded(direction);
    switch (verdict.fate) {
      case Verdict::Fate::kForward:
        return body;
      case Verdict::Fate::kReplace:
        EXPECT_NE(verdict.body, body) << "a replacement that changes nothing";
        return verdict.body;
      case Verdict::Fate::kSwallow:
        break;
    }
    return "";
  }
  std::string editor(const std::string& body) { return said(Direction::kClientToServer, body); }
  std::string server(const std::string& body) { return said(Direction::kServerToClient, body); }

  // initialize and its answer; gives what the editor sees of that.
  std::string initialize(const std::string& capabilities) {
    editor(R"({"id":0,"method":"initialize","params":{"processId":1}})");
    return server(R"({"id":0,"result":{"capabilities":)" + capabilities + "}}");
  }

  void open(const std::string& text) {
    editor(
        R"({"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a","languageId":"c","version":1,"text":")" +
        text + R"("}}})");
  }

  static std::string inline_request(const std::string& id, const std::string& uri = "file:///a") {
    return R"({"id":)" + id +
           R"(,"method":"textDocument/inlineCompletion","params":{"textDocument":{"uri":")" + uri +
           R"("},"position":{ "line":0,"character":4},"context":{"triggerKind":1}}})";
  }

  static std::string execute(const std::string& id, const std::string& command,
                             const std::string& arguments) {
    return R"({"id":)" + id + R"(,"method":"workspace/executeCommand","params":{"command":")" +
           command + R"(","arguments":)" + arguments + "}}";
  }

  static std::string registration(const std::string& id, const std::string& method,
                                  const std::string& command = "") {
    return R"({"id":9,"method":"client/registerCapability","params":{"registrations":[{"id":")" +
           id + R"(","method":")" + method + R"(","registerOptions":{"commands":[)" +
           (command.empty() ? "" : '"' + command + '"') + "]}}]}}";
  }
  static std::string taking_back(const std::string& id, const std::string& method) {
    return R"({"id":10,"method":"client/unregisterCapability","params":{"unregisterations":[{"id":")" +
           id + R"(","method":")" + method + R"("}]}})";
  }
  // As many as the agent remembers: r0, r1 and so on.
  void register_as_many_as_there_is_room_for(const std::string& method) {
    for (int i = 0; i < 1024; ++i) server(registration("r" + std::to_string(i), method));
    ASSERT_EQ(interceptor_->counts().unrecorded, 0u);
  }

  // Bodies in the tap, and "provided"/"lost"/"time".
  std::vector<std::string> tapped() {
    std::vector<std::string> out;
    while (const auto item = tap_.take(std::chrono::milliseconds(0))) switch (item->kind) {
        case TapItem::Kind::kMessage:
          out.push_back(item->body);
          break;
        case TapItem::Kind::kProvided:
          out.push_back("provided " + item->request_id + " " + item->note.model);
          break;
        case TapItem::Kind::kTime:
          out.push_back("time " + std::to_string(static_cast<int>(item->t_ms)));
          break;
        case TapItem::Kind::kLost:
          out.emplace_back("lost");
          break;
      }
    return out;
  }

  Clock clock_{Clock::Kind::kClient};
  Tap tap_;
  FakeProvider provider_;
  std::vector<std::string> injected_;
  bool editor_has_room_ = true;
  std::unique_ptr<Interceptor> interceptor_;
};

}  // namespace strop::agent
