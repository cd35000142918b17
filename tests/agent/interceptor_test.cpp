// What becomes of each message: copied, let through, or changed as the list of rewrites says.
#include "agent/interceptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/interceptor_fixture.h"

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kItems = R"({"id":5,"result":{"items":[{"insertText":"x"}]}})";

TEST_F(InterceptorTest, MessagesOfOthersGoOnUnchangedAndCaptureHasWhatItMayRead) {
  const std::vector<std::string> followed{
      R"({"id":1,"method":"workspace/executeCommand","params":{"command":"srv"}})",
      R"({"method":"initialize"})"};
  const std::vector<std::string> no_messages{R"([{"id":1}])", "{ broken", "", "\xff\xfe"};
  const std::vector<std::string> others{R"({"id":1,"method":"textDocument/hover","params":{}})",
                                        R"({"id":1,"result":null})", R"({"method":"$/progress"})",
                                        R"({"id":null,"result":{"capabilities":{}}})",
                                        R"({"id":"strop","result":{"items":[{}]}})"};
  for (const std::string& body : no_messages) {
    EXPECT_EQ(editor(body), body);
    EXPECT_EQ(server(body), body);
    EXPECT_THAT(tapped(), ElementsAre(body, body));
  }
  for (const std::string& body : followed) {
    EXPECT_EQ(editor(body), body);
    EXPECT_EQ(server(body), body);
    EXPECT_THAT(tapped(), ElementsAre(body));  // the editor's
  }
  for (const std::string& body : others) {
    EXPECT_EQ(editor(body), body);
    EXPECT_EQ(server(body), body);
    EXPECT_THAT(tapped(), IsEmpty()) << body;
  }
  EXPECT_EQ(interceptor_->counts().faults, 0u);
  EXPECT_THAT(injected_, IsEmpty());
}

TEST_F(InterceptorTest, TheInitializeAnswerGainsTheCommandAlone) {
  EXPECT_EQ(
      initialize(R"({ "hoverProvider":true })"),
      R"({"id":0,"result":{"capabilities":{ "hoverProvider":true ,"executeCommandProvider":{"commands":[")" +
          std::string(kAcceptCommand) + R"("]}}}})");
  EXPECT_EQ(interceptor_->counts().announced, 1u);
}

TEST_F(InterceptorTest, CaptureSeesWhatTheServerSaidNotWhatTheEditorHears) {
  initialize("{}");
  EXPECT_EQ(tapped().back(), R"({"id":0,"result":{"capabilities":{}}})");
}

TEST_F(InterceptorTest, WithNothingToOfferTheAnswerStays) {
  make({}, false);
  EXPECT_EQ(initialize("{}"), R"({"id":0,"result":{"capabilities":{}}})");
}

TEST_F(InterceptorTest, AnErrorOfInitializeStays) {
  editor(R"({"id":0,"method":"initialize","params":{}})");
  const std::string error = R"({"id":0,"error":{"code":1},"result":{"capabilities":{}}})";
  EXPECT_EQ(server(error), error);
}

TEST_F(InterceptorTest, AnAnswerOfAnotherIdIsNotInitializes) {
  // The number 0 and the string "0" are two.
  editor(R"({"id":0,"method":"initialize","params":{}})");
  const std::string other = R"({"id":"0","result":{"capabilities":{}}})";
  EXPECT_EQ(server(other), other);
  const std::string own = R"({"id":0,"result":{"capabilities":{}}})";
  EXPECT_NE(server(own), own);
  EXPECT_EQ(server(own), own);  // answered already
}

TEST_F(InterceptorTest, TheEditorsProcessIsTold) {
  std::vector<long long> told;
  interceptor_->set_on_editor_process([&](long long id) { told.push_back(id); });
  editor(R"({"id":0,"method":"initialize","params":{"processId":4711}})");
  editor(R"({"id":1,"method":"initialize","params":{"processId":null}})");
  editor(R"({"id":2,"method":"initialize"})");
  EXPECT_THAT(told, ElementsAre(4711, 0, 0));
}

TEST_F(InterceptorTest, InlineItemsAreWrappedForNumbersAndStrings) {
  initialize("{}");
  for (const std::string id : {"5", R"("5")", R"("a\"b")", "-1"}) {
    editor(inline_request(id));
    const std::string answer = R"({"id":)" + id + R"(,"result":[{"insertText":"x"}]})";
    EXPECT_THAT(server(answer),
                HasSubstr(R"("arguments":[{"request":)" + id + R"(,"item":0},null])"));
    EXPECT_EQ(server(answer), answer) << "the second answer is nobody's";
  }
  EXPECT_EQ(interceptor_->counts().wrapped, 4u);
}

TEST_F(InterceptorTest, OnlyAnswersToInlineRequestsAreWrapped) {
  initialize("{}");
  editor(R"({"id":5,"method":"textDocument/completion","params":{}})");
  EXPECT_EQ(server(kItems), kItems);
}

TEST_F(InterceptorTest, NothingIsWrappedBeforeTheCommandWasAnnounced) {
  editor(inline_request("5"));
  EXPECT_EQ(server(kItems), kItems);
}

TEST_F(InterceptorTest, OwnCommandsAreThoseOfInitializeAndOfRegistrations) {
  initialize(R"({"executeCommandProvider":{"commands":["srv.a"]}})");
  server(
      R"({"id":9,"method":"client/registerCapability","params":{"registrations":[{"id":"r","method":"workspace/executeCommand","registerOptions":{"commands":["srv.b"]}}]}})");
  const auto answer = [](const std::string& command) {
    return R"({"id":5,"result":[{"command":{"command":")" + command + R"("}}]})";
  };
  for (const std::string own : {"srv.a", "srv.b"}) {
    editor(inline_request("5"));
    EXPECT_THAT(server(answer(own)), HasSubstr(R"(,{"command":")" + own + R"("}]})"));
  }
  editor(inline_request("5"));
  EXPECT_EQ(server(answer("editor.c")), answer("editor.c"));
  server(
      R"({"id":10,"method":"client/unregisterCapability","params":{"unregisterations":[{"id":"r","method":"workspace/executeCommand"}]}})");
  editor(inline_request("5"));
  EXPECT_EQ(server(answer("srv.b")), answer("srv.b"));
}

TEST_F(InterceptorTest, TheCommandIsAnnouncedOnceAConnection) {
  initialize("{}");
  const std::string registration =
      R"({"id":9,"method":"client/registerCapability","params":{"registrations":[{"id":"r","method":"workspace/executeCommand","registerOptions":{"commands":["b"]}}]}})";
  EXPECT_EQ(server(registration), registration);
}

TEST_F(InterceptorTest, WithoutAnInitializeAnswerARegistrationAnnouncesUntilItIsTakenBack) {
  const std::string registration =
      R"({"id":9,"method":"client/registerCapability","params":{"registrations":[{"id":"r","method":"workspace/executeCommand","registerOptions":{"commands":["b"]}}]}})";
  const std::string taking_back =
      R"({"id":10,"method":"client/unregisterCapability","params":{"unregisterations":[{"id":"r","method":"workspace/executeCommand"}]}})";
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(server(registration), HasSubstr(R"(["b",")" + std::string(kAcceptCommand)));
    EXPECT_EQ(server(registration), registration);
    EXPECT_EQ(server(taking_back), taking_back);
  }
  EXPECT_EQ(interceptor_->counts().announced, 2u);
}

// The announcement has to go with its registration, so it goes only with one that is recorded.
TEST_F(InterceptorTest, WhatRegistrationsThereIsNoRoomForAnnounceNothing) {
  register_as_many_as_there_is_room_for("textDocument/inlineCompletion");
  const std::string one_more = registration("more", "workspace/executeCommand", "b");
  EXPECT_EQ(server(one_more), one_more);
  EXPECT_EQ(interceptor_->counts().unrecorded, 1u);
  server(taking_back("more", "workspace/executeCommand"));
  EXPECT_EQ(server(one_more), one_more);
  server(taking_back("r7", "textDocument/inlineCompletion"));
  EXPECT_THAT(server(one_more), HasSubstr(R"(["b",")" + std::string(kAcceptCommand)));
  EXPECT_EQ(interceptor_->counts().unrecorded, 2u);
}

TEST_F(InterceptorTest, WithNoRoomLeftARecordedRegistrationIsStillRenewed) {
  initialize("{}");
  register_as_many_as_there_is_room_for("workspace/executeCommand");
  server(registration("r7", "workspace/executeCommand", "srv.new"));
  server(registration("more", "workspace/executeCommand", "srv.more"));
  const auto wrapped = [this](const std::string& command) {
    const std::string answer =
        R"({"id":5,"result":[{"command":{"command":")" + command + R"("}}]})";
    editor(inline_request("5"));
    return server(answer) != answer;
  };
  EXPECT_TRUE(wrapped("srv.new"));
  EXPECT_FALSE(wrapped("srv.more")) << "whose it is cannot be told";
  server(taking_back("more", "workspace/executeCommand"));
  EXPECT_TRUE(wrapped("srv.new"));
  EXPECT_EQ(interceptor_->counts().unrecorded, 1u);
}

TEST_F(InterceptorTest, AnAcceptWithNothingInsideIsAnsweredByTheAgent) {
  EXPECT_EQ(editor(execute(R"("x-1")", kAcceptCommand, R"([{"request":5,"item":0},null])")), "");
  EXPECT_THAT(injected_, ElementsAre(frame(R"({"jsonrpc":"2.0","id":"x-1","result":null})")));
  EXPECT_EQ(interceptor_->counts().accepts, 1u);
  EXPECT_THAT(tapped(), ElementsAre(HasSubstr(kAcceptCommand)));  // capture learns of it
}

TEST_F(InterceptorTest, AnAcceptWithTheServersCommandGoesToTheServer) {
  EXPECT_EQ(editor(execute("8", kAcceptCommand, R"([{},{"command":"srv.a","arguments":[1]}])")),
            execute("8", "srv.a", "[1]"));
  EXPECT_THAT(injected_, IsEmpty());
  const std::string answer = R"({"id":8,"result":1})";
  EXPECT_EQ(server(answer), answer);
}

TEST_F(InterceptorTest, AnswersThatFindNoRoomAreCounted) {
  editor_has_room_ = false;
  EXPECT_EQ(editor(execute("8", kAcceptCommand, "[]")), "");
  EXPECT_EQ(interceptor_->counts().undelivered, 1u);
}

TEST_F(InterceptorTest, OtherAgentsAcceptsGoOn) {
  const std::string other =
      execute("8", "strop.accept.ffffffffffffffffffffffffffffffff", R"([{},null])");
  EXPECT_EQ(editor(other), other);
}

TEST_F(InterceptorTest, CancellationsGoToTheServer) {
  const std::string cancel = R"({"method":"$/cancelRequest","params":{"id":5}})";
  EXPECT_EQ(editor(cancel), cancel);
}

TEST_F(InterceptorTest, WhatCouldNotBeTappedIsALoss) {
  interceptor_->on_untapped(Direction::kServerToClient, "");
  EXPECT_THAT(tapped(), ElementsAre("lost"));
}

TEST_F(InterceptorTest, AFullTapDropsAndRelaysOn) {
  for (int i = 0; i < 10'000; ++i) {
    const std::string body = R"({"method":"textDocument/didSave"})";
    ASSERT_EQ(editor(body), body);
  }
  EXPECT_EQ(tap_.counts().dropped, 10'000 - TapLimits().items);
  EXPECT_EQ(tapped().back(), "lost");
}

TEST_F(InterceptorTest, InTheClientsTimeTheClockIsSwallowedAndTapped) {
  EXPECT_EQ(editor(R"({"method":"$/strop/clock","params":{"t_ms":42}})"), "");
  EXPECT_EQ(clock_.now_ms(), 42);
  EXPECT_THAT(tapped(), ElementsAre("time 42"));
  EXPECT_EQ(editor(R"({"method":"$/strop/clock","params":{"t_ms":"?"}})"), "");
  EXPECT_THAT(tapped(), IsEmpty());
}

TEST_F(InterceptorTest, InTheSystemsTimeTheClocksMessageIsLikeAnyOther) {
  Clock system;
  Interceptor interceptor({}, system, nullptr);
  const Verdict verdict = interceptor.on_message(
      Direction::kClientToServer, R"({"method":"$/strop/clock","params":{"t_ms":42}})");
  EXPECT_EQ(verdict.fate, Verdict::Fate::kForward);
}

// An exception anywhere in deciding lets the original through.
TEST_F(InterceptorTest, AFaultLetsTheMessageThroughAndIsCounted) {
  interceptor_->set_on_editor_process([](long long) { throw std::runtime_error("no"); });
  const std::string body = R"({"id":0,"method":"initialize","params":{}})";
  EXPECT_EQ(editor(body), body);
  EXPECT_EQ(interceptor_->counts().faults, 1u);
}

}  // namespace
}  // namespace strop::agent
