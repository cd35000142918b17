// The accept command around inline items, there and back; and frames of changed messages.
#include <gtest/gtest.h>

#include "agent/rewrite.h"

namespace strop::agent {
namespace {

constexpr const char* kAccept = "strop.accept.0123456789abcdef0123456789abcdef";

std::string answer(const std::string& result) {
  return R"({"jsonrpc": "2.0", "id": 5, "result": )" + result + "}";
}

std::string wrapped(const std::string& inner, int item, const std::string& title = R"("")",
                    const std::string& id = "5") {
  return R"({"title":)" + title + R"(,"command":")" + kAccept + R"(","arguments":[{"request":)" +
         id + R"(,"item":)" + std::to_string(item) + "}," + inner + "]}";
}

TEST(WrapItems, AnItemWithoutACommandGainsOne) {
  EXPECT_EQ(
      wrap_items(answer(R"([{"insertText":"a" } , {"insertText":"\u0062"}])"), kAccept, "5", {}),
      answer(R"([{"insertText":"a" ,"command":)" + wrapped("null", 0) +
             R"(} , {"insertText":"\u0062","command":)" + wrapped("null", 1) + "}]"));
}

TEST(WrapItems, ItemsOfAListObjectAreWrappedToo) {
  EXPECT_EQ(
      wrap_items(answer(R"({"items" :[{"insertText":"a"}],"x":1.0})"), kAccept, "5", {}),
      answer(R"({"items" :[{"insertText":"a","command":)" + wrapped("null", 0) + R"(}],"x":1.0})"));
}

TEST(WrapItems, ACommandOfNullIsNone) {
  EXPECT_EQ(wrap_items(answer(R"([{"command":null,"insertText":"a"}])"), kAccept, "5", {}),
            answer(R"([{"command":)" + wrapped("null", 0) + R"(,"insertText":"a"}])"));
}

TEST(WrapItems, TheServersOwnCommandTravelsInTheArguments) {
  const std::string inner = R"({"title":"Ac\u0063ept", "command":"srv.did","arguments":[1.0, {}]})";
  EXPECT_EQ(wrap_items(answer(R"([{"insertText":"a","command":)" + inner + R"( , "k":0}])"),
                       kAccept, "5", {"other", "srv.did"}),
            answer(R"([{"insertText":"a","command":)" + wrapped(inner, 0, R"("Ac\u0063ept")") +
                   R"( , "k":0}])"));
}

TEST(WrapItems, CommandsOfOthersAreLeft) {
  // An editor's own command is none that the server could be asked to execute.
  EXPECT_FALSE(wrap_items(answer(R"([{"command":{"title":"t","command":"editor.x"}}])"), kAccept,
                          "5", {"srv.did"}));
  EXPECT_FALSE(
      wrap_items(answer(R"([{"command":{"title":"t"}}, {"command":3}])"), kAccept, "5", {}));
}

TEST(WrapItems, AnItemOfOthersDoesNotKeepItsNeighboursFromIt) {
  const std::string other = R"({"command":{"command":"editor.x"}})";
  EXPECT_EQ(wrap_items(answer("[" + other + R"(,{"insertText":"b"},7])"), kAccept, "5", {}),
            answer("[" + other + R"(,{"insertText":"b","command":)" + wrapped("null", 1) + "},7]"));
}

TEST(WrapItems, TheRequestIsNamedAsTheEditorSpeltIt) {
  EXPECT_EQ(wrap_items(answer(R"([{}])"), kAccept, R"("\u0061-1")", {}),
            answer(R"([{"command":)" + wrapped("null", 0, R"("")", R"("\u0061-1")") + "}]"));
}

TEST(WrapItems, WhatHasNoItemsIsLeft) {
  for (const char* other :
       {"", "{", R"({"id":5})", R"({"id":5,"result":null})", R"({"id":5,"result":[]})",
        R"({"id":5,"result":{"items":[]}})", R"({"id":5,"result":{"items":{}}})",
        R"({"id":5,"result":[{}]} x)", R"({"id":5,"error":{"code":1}})"})
    EXPECT_FALSE(wrap_items(other, kAccept, "5", {})) << other;
}

std::string execute(const std::string& params) {
  return R"({"jsonrpc":"2.0","method":"workspace/executeCommand" , "params":)" + params +
         R"(,"id":"x"})";
}

TEST(ReadAccept, WithNothingInsideTheAgentAnswers) {
  for (const std::string arguments :
       {R"([{"request":5,"item":0},null])", R"([{"request":5,"item":0}])", "[]", "{}", "null",
        R"([{},{"title":"no command"}])", R"([{},{"command":7}])"}) {
    const auto accept = read_accept(
        execute(R"({"command":")" + std::string(kAccept) + R"(","arguments":)" + arguments + "}"),
        kAccept);
    ASSERT_TRUE(accept) << arguments;
    EXPECT_FALSE(accept->inner_request) << arguments;
  }
}

TEST(ReadAccept, TheCommandInsideGoesOnInItsPlace) {
  const auto accept =
      read_accept(execute(R"({"workDoneToken":1.0,"command":")" + std::string(kAccept) +
                          R"(","arguments":[{"request":5,"item":0},)"
                          R"({"title":"t","command":"srv.d\u0069d","arguments":[ 1e0 ]}]})"),
                  kAccept);
  ASSERT_TRUE(accept);
  EXPECT_EQ(accept->inner_request,
            execute(R"({"workDoneToken":1.0,"command":"srv.d\u0069d","arguments":[ 1e0 ]})"));
}

TEST(ReadAccept, ACommandInsideWithoutArgumentsHasNone) {
  const auto accept = read_accept(execute(R"({"command":")" + std::string(kAccept) +
                                          R"(","arguments":[{},{"command":"srv.did"}]})"),
                                  kAccept);
  ASSERT_TRUE(accept);
  EXPECT_EQ(accept->inner_request, execute(R"({"command":"srv.did"})"));
}

TEST(ReadAccept, WhatWasWrappedComesBack) {
  const std::string inner = R"({"title":"T","command":"srv.did","arguments":["\u00e9"]})";
  const auto items =
      wrap_items(answer(R"([{"command":)" + inner + "}]"), kAccept, "5", {"srv.did"});
  ASSERT_TRUE(items);
  const std::string command = wrapped(inner, 0, R"("T")");
  ASSERT_NE(items->find(command), std::string::npos);
  const auto accept = read_accept(execute(command), kAccept);
  ASSERT_TRUE(accept);
  EXPECT_EQ(accept->inner_request,
            execute(R"({"title":"T","command":"srv.did","arguments":["\u00e9"]})"));
}

TEST(ReadAccept, OtherCommandsAreNone) {
  for (const std::string& other :
       {std::string(R"({"command":"srv.did"})"), std::string("null"), std::string("[]"),
        R"({"command":"srv.did","arguments":[")" + std::string(kAccept) + R"("]})",
        R"({"command":")" + std::string(kAccept) + "0\"}",
        R"({"command":")" + std::string(kAccept) + "\""})  // the last is cut
    EXPECT_FALSE(read_accept(execute(other), kAccept)) << other;
}

TEST(Answers, AreWhatTheProtocolWants) {
  EXPECT_EQ(null_answer("7"), R"({"jsonrpc":"2.0","id":7,"result":null})");
  EXPECT_EQ(result_answer(R"("a")", "[]"), R"({"jsonrpc":"2.0","id":"a","result":[]})");
  EXPECT_EQ(error_answer("7", kRequestCancelled, "it was \"so\""),
            R"({"jsonrpc":"2.0","id":7,"error":{"code":-32800,"message":"it was \"so\""}})");
}

TEST(Frame, IsTheSendersHeaderWithAnotherLength) {
  EXPECT_EQ(frame("{}"), "Content-Length: 2\r\n\r\n{}");
  EXPECT_EQ(frame("\xC3\xA9"), "Content-Length: 2\r\n\r\n\xC3\xA9");  // bytes, not characters
  EXPECT_EQ(frame("{}", "Content-Type: a; charset=utf-8\r\nContent-Length: 99\r\n\r\n"),
            "Content-Type: a; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(frame("{}", "content-length: 99\nX-A: b\n\n"), "content-length: 2\nX-A: b\n\n{}");
  // The last of several lengths counts, so that one must be right; all are.
  EXPECT_EQ(frame("{}", "Content-Length: 1\r\nContent-Length: 99\r\n\r\n"),
            "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}");
}

}  // namespace
}  // namespace strop::agent
