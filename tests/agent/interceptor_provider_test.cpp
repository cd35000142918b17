// Requests that the agent answers itself, with a provider of completions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/interceptor.h"
#include "agent/interceptor_fixture.h"

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ProvidingTest : public InterceptorTest {
 protected:
  ProvidingTest() { make({.accept_command = kAcceptCommand}, true); }

  static InlineAnswer answer(const std::string& id, std::vector<std::string> texts) {
    InlineAnswer answer;
    answer.request_id = id;
    answer.position = R"({ "line":0,"character":4})";
    answer.texts = std::move(texts);
    answer.note.model = "m";
    return answer;
  }
};

TEST_F(ProvidingTest, InlineCompletionIsOffered) {
  EXPECT_THAT(initialize("{}"), HasSubstr(R"("inlineCompletionProvider":true)"));
}

TEST_F(ProvidingTest, ItIsOfferedAlsoWhereNothingIsCaptured) {
  make({}, true);
  EXPECT_EQ(initialize("{}"),
            R"({"id":0,"result":{"capabilities":{"inlineCompletionProvider":true}}})");
  open("int x;");
  EXPECT_EQ(editor(inline_request("5")), "");
  interceptor_->deliver(answer("5", {"y"}));
  ASSERT_EQ(injected_.size(), 1u);
  EXPECT_THAT(injected_[0], Not(HasSubstr("command")));
}

TEST_F(ProvidingTest, ARequestIsAskedOfTheProviderWithWhatIsAroundTheCursor) {
  initialize("{}");
  open("int x;");
  EXPECT_EQ(editor(inline_request(R"("q1")")), "");
  ASSERT_EQ(provider_.asked.size(), 1u);
  EXPECT_EQ(provider_.asked[0].request_id, R"("q1")");
  EXPECT_EQ(provider_.asked[0].uri, "file:///a");
  EXPECT_EQ(provider_.asked[0].language, "c");
  EXPECT_EQ(provider_.asked[0].position, R"({ "line":0,"character":4})");
  EXPECT_EQ(provider_.asked[0].prefix, "int ");
  EXPECT_EQ(provider_.asked[0].suffix, "x;");
  EXPECT_EQ(interceptor_->counts().asked, 1u);
}

TEST_F(ProvidingTest, PositionsCountAsTheServerChose) {
  initialize(R"({"positionEncoding":"utf-8"})");
  open("\xC3\xA9\xC3\xA9x");  // four bytes, two UTF-16 units before the x
  editor(inline_request("5"));
  ASSERT_EQ(provider_.asked.size(), 1u);
  EXPECT_EQ(provider_.asked[0].suffix, "x");
}

TEST_F(ProvidingTest, TheAnswerGoesToTheTapAndThenWrappedToTheEditor) {
  initialize("{}");
  open("int x;");
  editor(inline_request("5"));
  tapped();
  interceptor_->deliver(answer("5", {"a\n", "b"}));
  const std::string range =
      R"("range":{"start":{ "line":0,"character":4},"end":{ "line":0,"character":4}})";
  const auto item = [&](const std::string& text, const std::string& more) {
    return R"({"insertText":)" + text + "," + range + more + "}";
  };
  const auto wrapped = [&](int index) {
    return R"(,"command":{"title":"","command":")" + std::string(kAcceptCommand) +
           R"(","arguments":[{"request":5,"item":)" + std::to_string(index) + "},null]}";
  };
  const std::string head = R"({"jsonrpc":"2.0","id":5,"result":{"items":[)";
  EXPECT_THAT(injected_, ElementsAre(frame(head + item(R"("a\n")", wrapped(0)) + "," +
                                           item(R"("b")", wrapped(1)) + "]}}")));
  EXPECT_THAT(tapped(), ElementsAre("provided 5 m", head + item(R"("a\n")", "") + "," +
                                                        item(R"("b")", "") + "]}}"));
}

TEST_F(ProvidingTest, AnEmptyAnswerIsAnAnswer) {
  initialize("{}");
  interceptor_->deliver(answer("5", {}));
  EXPECT_THAT(injected_, ElementsAre(frame(R"({"jsonrpc":"2.0","id":5,"result":{"items":[]}})")));
  EXPECT_EQ(tapped().back(), R"({"jsonrpc":"2.0","id":5,"result":{"items":[]}})");
}

TEST_F(ProvidingTest, ACancelledRequestIsAnsweredAsSuch) {
  provider_.under_way = R"("q1")";
  EXPECT_EQ(editor(R"({"method":"$/cancelRequest","params":{"id":"q1"}})"), "");
  EXPECT_THAT(provider_.cancelled, ElementsAre(R"("q1")"));
  EXPECT_EQ(interceptor_->counts().cancelled, 1u);
  InlineAnswer cancelled = answer(R"("q1")", {});
  cancelled.cancelled = true;
  interceptor_->deliver(cancelled);
  ASSERT_EQ(injected_.size(), 1u);
  EXPECT_THAT(injected_[0], HasSubstr(R"("id":"q1","error":{"code":-32800)"));
}

TEST_F(ProvidingTest, CancellationsOfTheServersRequestsGoOn) {
  for (const std::string params : {R"({"id":7})", "{}", "null", "[7]"}) {
    const std::string cancel = R"({"method":"$/cancelRequest","params":)" + params + "}";
    EXPECT_EQ(editor(cancel), cancel);
  }
  EXPECT_EQ(interceptor_->counts().cancelled, 0u);
}

TEST_F(ProvidingTest, AboutATextThatCannotBeToldThereIsNothing) {
  initialize("{}");
  EXPECT_EQ(editor(inline_request("5", "file:///unopened")), "");
  EXPECT_THAT(provider_.asked, IsEmpty());
  EXPECT_THAT(injected_, ElementsAre(frame(R"({"jsonrpc":"2.0","id":5,"result":{"items":[]}})")));
  EXPECT_EQ(interceptor_->counts().no_context, 1u);
}

TEST_F(ProvidingTest, AfterALargeMessageADocumentCannotBeToldUntilItIsWhole) {
  initialize("{}");
  open("int x;");
  interceptor_->on_untapped(Direction::kClientToServer, "");
  editor(inline_request("5"));
  EXPECT_THAT(provider_.asked, IsEmpty());
  open("int y;");
  editor(inline_request("6"));
  EXPECT_EQ(provider_.asked.size(), 1u);
}

TEST_F(ProvidingTest, WhatTheServerSaysInLargeMessagesChangesNoDocument) {
  initialize("{}");
  open("int x;");
  interceptor_->on_untapped(Direction::kServerToClient, "");
  editor(inline_request("5"));
  EXPECT_EQ(provider_.asked.size(), 1u);
}

TEST_F(ProvidingTest, AServerThatOffersInlineCompletionItselfWins) {
  EXPECT_EQ(
      initialize(R"({"inlineCompletionProvider":{}})").find("\"inlineCompletionProvider\":true"),
      std::string::npos);
  open("int x;");
  EXPECT_EQ(editor(inline_request("5")), inline_request("5"));
  EXPECT_THAT(provider_.asked, IsEmpty());
}

TEST_F(ProvidingTest, AServerThatRegistersInlineCompletionWinsUntilItTakesThatBack) {
  initialize("{}");
  open("int x;");
  server(
      R"({"id":9,"method":"client/registerCapability","params":{"registrations":[{"id":"r","method":"textDocument/inlineCompletion"}]}})");
  EXPECT_EQ(editor(inline_request("5")), inline_request("5"));
  server(
      R"({"id":9,"method":"client/unregisterCapability","params":{"unregisterations":[{"id":"r","method":"textDocument/inlineCompletion"}]}})");
  EXPECT_EQ(editor(inline_request("6")), "");
}

// When it is taken back cannot be told of a registration that there was no room for.
TEST_F(ProvidingTest, AServerThatRegistersInlineCompletionInAStormWinsToTheEnd) {
  initialize("{}");
  open("int x;");
  register_as_many_as_there_is_room_for("workspace/executeCommand");
  EXPECT_EQ(editor(inline_request("5")), "");
  server(registration("more", "textDocument/inlineCompletion"));
  EXPECT_EQ(interceptor_->counts().unrecorded, 1u);
  EXPECT_EQ(editor(inline_request("6")), inline_request("6"));
  server(taking_back("r7", "workspace/executeCommand"));
  server(taking_back("other", "textDocument/inlineCompletion"));
  EXPECT_EQ(editor(inline_request("7")), inline_request("7"));
  EXPECT_EQ(provider_.asked.size(), 1u);
}

TEST_F(ProvidingTest, UnlessTheProviderIsFirst) {
  make({.accept_command = kAcceptCommand, .provider_first = true}, true);
  initialize(R"({"inlineCompletionProvider":{}})");
  open("int x;");
  EXPECT_EQ(editor(inline_request("5")), "");
  EXPECT_EQ(provider_.asked.size(), 1u);
}

TEST_F(ProvidingTest, AnAnswerThatChangesNothingIsNotReplaced) {
  make({}, true);
  initialize(R"({"inlineCompletionProvider":{}})");
  EXPECT_EQ(interceptor_->counts().announced, 0u);
}

}  // namespace
}  // namespace strop::agent
