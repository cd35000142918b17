// What of the traffic capture has a copy of: all that it reads, and no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/followed_methods.h"
#include "agent/interceptor_fixture.h"
#include "support/session.h"

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Direction kToServer = Direction::kClientToServer;
constexpr Direction kToEditor = Direction::kServerToClient;

class InterceptorTap : public InterceptorTest {
 protected:
  static std::string message(std::string_view id, std::string_view method,
                             const std::string& params = "{}") {
    return "{" + (id.empty() ? "" : "\"id\":" + std::string(id) + ",") + "\"method\":\"" +
           std::string(method) + "\",\"params\":" + params + "}";
  }
  static std::string answer(std::string_view id, const std::string& result = "null") {
    return "{\"id\":" + std::string(id) + ",\"result\":" + result + "}";
  }
  static std::string large(std::size_t bytes = 4 * Relay::kLarge) {
    return '"' + std::string(bytes, 'x') + '"';
  }

  // As the relay has it: shown when it has begun, the rest as the interceptor says.
  Passage passed(Direction direction, const std::string& body, std::size_t begun) {
    const Passage passage =
        interceptor_->on_start(direction, std::string_view(body).substr(0, begun), body.size());
    if (passage == Passage::kCopied) {
      interceptor_->on_part(direction, std::string_view(body).substr(0, begun), false);
      interceptor_->on_part(direction, std::string_view(body).substr(begun), true);
    } else if (passage == Passage::kWhole) {
      said(direction, body);
    }
    interceptor_->on_forwarded(direction);
    return passage;
  }
};

TEST_F(InterceptorTap, HasEveryMessageThatTheTrackerReads) {
  for (const FollowedMethod& method : kFollowedOfClient) {
    const std::string body = message("", method.name);
    editor(body);
    EXPECT_THAT(tapped(), ElementsAre(body));
  }
  for (const FollowedMethod& method : kFollowedOfServer) {
    const std::string body = message("", method.name);
    server(body);
    EXPECT_THAT(tapped(), ElementsAre(body));
  }
}

TEST_F(InterceptorTap, HasTheAnswersToTheRequestsOfWhichTheTrackerReadsThem) {
  int id = 0;
  for (const FollowedMethod& method : kFollowedOfClient) {
    const std::string request = message(std::to_string(++id), method.name);
    if (method.name.starts_with(kOwnMethods)) continue;  // answered here
    editor(request);
    server(answer(std::to_string(id)));
    server(answer(std::to_string(id)));  // of nobody's request any more
    if (method.what == Followed::kWithAnswer)
      EXPECT_THAT(tapped(), ElementsAre(request, answer(std::to_string(id)))) << method.name;
    else
      EXPECT_THAT(tapped(), ElementsAre(request)) << method.name;
  }
  for (const FollowedMethod& method : kFollowedOfServer) {
    const std::string request = message("\"s\"", method.name);
    server(request);
    editor(answer("\"s\""));
    editor(answer("\"s\""));
    if (method.what == Followed::kWithAnswer)
      EXPECT_THAT(tapped(), ElementsAre(request, answer("\"s\""))) << method.name;
    else
      EXPECT_THAT(tapped(), ElementsAre(request)) << method.name;
  }
}

TEST_F(InterceptorTap, KeepsTheIdsOfTheTwoSidesApart) {
  const std::string request = message("1", "workspace/applyEdit");
  server(request);
  server(answer("1"));  // to a request of the editor's that nobody reads
  EXPECT_THAT(tapped(), ElementsAre(request));
}

TEST_F(InterceptorTap, HasAllAnswersOnceItCannotTellThemApart) {
  constexpr int kTooMany = 5000;
  for (int id = 0; id < kTooMany; ++id)
    editor(message(std::to_string(id), "textDocument/completion"));
  tapped();
  server(answer("0"));  // its request had to make room
  server(answer("9999"));
  EXPECT_THAT(tapped(), ElementsAre(answer("0"), answer("9999")));
  EXPECT_GT(interceptor_->counts().displaced, 0u);
  EXPECT_EQ(passed(kToEditor, answer("1", large()), 100), Passage::kWhole);
  EXPECT_THAT(tapped(), ElementsAre(answer("1", large())));
}

TEST_F(InterceptorTap, LargeMessagesThatNobodyReadsGoOnAsTheyCome) {
  for (const std::string& body :
       {message("", "bench/take", large()),
        message("7", "textDocument/semanticTokens/full", large()), answer("7", large())})
    for (const Direction direction : {kToServer, kToEditor}) {
      EXPECT_EQ(passed(direction, body, 100), Passage::kAsIs);
      EXPECT_EQ(said(direction, body), body);  // it may as well come in one piece
      interceptor_->on_untapped(direction, body.substr(0, 100));
      EXPECT_THAT(tapped(), IsEmpty());
    }
}

TEST_F(InterceptorTap, LargeMessagesThatOnlyCaptureReadsGoOnAsTheyComeAndAreCopiedInPlace) {
  const std::string change = message("", "textDocument/didChange", large());
  EXPECT_EQ(passed(kToServer, change, 100), Passage::kCopied);
  editor(message("", "textDocument/didSave"));
  const std::string diagnostics = message("", "textDocument/publishDiagnostics", large());
  EXPECT_EQ(passed(kToEditor, diagnostics, 100), Passage::kCopied);
  editor(message("8", "textDocument/completion"));
  EXPECT_EQ(passed(kToEditor, answer("8", large()), 100), Passage::kCopied);
  EXPECT_THAT(tapped(), ElementsAre(change, message("", "textDocument/didSave"), diagnostics,
                                    message("8", "textDocument/completion"), answer("8", large())));
  EXPECT_EQ(passed(kToEditor, answer("8", large()), 100), Passage::kAsIs);
}

TEST_F(InterceptorTap, LargeMessagesThatMayBeChangedAreWaitedFor) {
  initialize("{}");
  editor(inline_request("5"));
  tapped();
  EXPECT_EQ(passed(kToEditor, answer("5", large()), 100), Passage::kWhole);
  EXPECT_THAT(tapped(), ElementsAre(answer("5", large())));
  for (const char* method : {"initialize", "workspace/executeCommand", "strop/didShow",
                             "$/cancelRequest", "textDocument/didShowCompletion"})
    EXPECT_EQ(passed(kToServer, message("", method, large()), 100), Passage::kWhole) << method;
  for (const char* method : {"client/registerCapability", "client/unregisterCapability"})
    EXPECT_EQ(passed(kToEditor, message("2", method, large()), 100), Passage::kWhole) << method;
  server(message("3", "workspace/applyEdit"));
  EXPECT_EQ(passed(kToServer, answer("3", large()), 100), Passage::kWhole);
}

TEST_F(InterceptorTap, WhereTheStartDoesNotSayItIsAskedAgain) {
  EXPECT_EQ(interceptor_->on_start(kToServer, R"({"jsonrpc":"2.0","para)", 1u << 20),
            Passage::kUndecided);
  EXPECT_EQ(interceptor_->on_start(kToEditor, R"({"result":{"items":[)", 1u << 20),
            Passage::kUndecided);
}

TEST_F(InterceptorTap, TooLargeToBeKeptIsALossOnlyOfWhatIsRead) {
  interceptor_->on_untapped(kToServer, message("", "bench/take", large()).substr(0, 100));
  EXPECT_THAT(tapped(), IsEmpty());
  interceptor_->on_untapped(kToServer,
                            message("", "textDocument/didChange", large()).substr(0, 100));
  EXPECT_THAT(tapped(), ElementsAre("lost"));
  interceptor_->on_untapped(kToEditor, R"({"result":[)");
  EXPECT_THAT(tapped(), ElementsAre("lost"));
}

void append(std::vector<std::string>& all, const std::vector<schema::Event>& events) {
  for (const schema::Event& event : events) all.push_back(schema::event_to_json(event).dump());
}

TEST_F(InterceptorTap, RecordedSessionsGiveTheSameEventsByWhatIsTappedAsByAll) {
  for (const auto& file : support::session_files(STROP_TESTS_DIR)) {
    Clock clock(Clock::Kind::kClient);
    Tap tap;
    Interceptor interceptor({.accept_command = kAcceptCommand}, clock, &tap);
    SuggestionTracker of_all;
    SuggestionTracker of_tapped;
    std::vector<std::string> by_all;
    std::vector<std::string> by_tapped;
    std::size_t messages = 0;
    double last = 0;
    for (const auto& message : support::in_causal_order(support::read_session(file))) {
      const Direction direction = message.from_client ? kToServer : kToEditor;
      last = std::max(last, message.t_ms);
      clock.announce(last);
      append(by_all, of_all.on_message(direction, message.body, last));
      static_cast<void>(interceptor.on_message(direction, message.body));
      while (const auto item = tap.take(std::chrono::milliseconds(0)))
        append(by_tapped, of_tapped.on_message(item->direction, item->body, item->t_ms));
      ++messages;
    }
    append(by_all, of_all.finish(last));
    append(by_tapped, of_tapped.finish(last));
    EXPECT_EQ(by_tapped, by_all) << file;
    EXPECT_FALSE(by_all.empty()) << file;
    EXPECT_LT(tap.counts().pushed, messages) << file;
  }
}

// The provider reads the documents when they are whole.
TEST_F(InterceptorTap, WithAProviderChangesAreWaitedFor) {
  make({.accept_command = kAcceptCommand}, true);
  const std::string change = message("", "textDocument/didChange", large());
  EXPECT_EQ(passed(kToServer, change, 100), Passage::kWhole);
  EXPECT_THAT(tapped(), ElementsAre(change));
}

}  // namespace
}  // namespace strop::agent
