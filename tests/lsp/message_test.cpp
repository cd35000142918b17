#include "lsp/message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace strop::lsp {
namespace {

// What was seen, as text: "request textDocument/x 7", "response "a" error", "unknown".
std::string seen(std::string_view body) {
  const Peeked peeked = peek(body);
  const std::string error = peeked.has_error ? " error" : "";
  switch (peeked.kind) {
    case MessageKind::kRequest:
      return "request " + peeked.method + ' ' + peeked.raw_id + error;
    case MessageKind::kNotification:
      return "notification " + peeked.method + peeked.raw_id + error;
    case MessageKind::kResponse:
      return "response " + peeked.raw_id + peeked.method + error;
    case MessageKind::kUnknown:
      return "unknown" + peeked.method + peeked.raw_id + error;
  }
  return "";
}

struct Case {
  std::string_view body, seen;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(seen(c.body), c.seen) << c.body;
}

TEST(Peek, TellsTheKinds) {
  expect_all({
      {R"({"jsonrpc":"2.0","id":7,"method":"initialize","params":{}})", "request initialize 7"},
      {R"({"jsonrpc":"2.0","method":"exit"})", "notification exit"},
      {R"({"jsonrpc":"2.0","id":7,"result":null})", "response 7"},
      {R"({"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}})", "response 7 error"},
      {R"({"id":7,"result":{},"error":null})", "response 7"},
      {R"({"id":7})", "response 7"},
      {" \r\n\t{ \"id\" : 7 , \"method\" : \"m\" } \n", "request m 7"},
  });
}

TEST(Peek, TakesKeysInAnyOrderAndSkipsWhatIsNested) {
  expect_all({
      {R"({"params":{"id":1,"method":"inner","x":[{"id":[2]}]},"method":"outer","id":"s"})",
       R"(request outer "s")"},
      {R"({"result":[{"id":9,"error":1},"}",["]"]],"id":3})", "response 3"},
      {R"({"params":"\"id\":1,\\","method":"m"})", "notification m"},
      {R"({"params":"\\\"","method":"m"})", "notification m"},
      {R"({"a":true,"b":-1.5e+3,"c":null,"d":[],"e":{},"id":4})", "response 4"},
  });
}

TEST(Peek, KeepsIdsApart) {
  EXPECT_EQ(peek(R"({"id":1})").id, MessageId(std::int64_t{1}));
  EXPECT_EQ(peek(R"({"id":"1"})").id, MessageId("1"));
  EXPECT_NE(peek(R"({"id":1})").id, peek(R"({"id":"1"})").id);
  EXPECT_EQ(peek(R"({"id":0})").id, MessageId(std::int64_t{0}));
  EXPECT_EQ(peek(R"({"id":-3})").id, MessageId(std::int64_t{-3}));
  EXPECT_EQ(peek(R"({"id":9223372036854775807})").id, MessageId(INT64_MAX));
  EXPECT_EQ(peek(R"({"id":"a\u0062\n"})").id, MessageId("ab\n"));
  EXPECT_EQ(peek(R"({"id":"a\u0062\n"})").raw_id, R"("a\u0062\n")");
}

TEST(Peek, TakesWholeFloatingNumbersAsIntegers) {
  EXPECT_EQ(peek(R"({"id":2.0})").id, MessageId(std::int64_t{2}));
  EXPECT_EQ(peek(R"({"id":2e0})").id, MessageId(std::int64_t{2}));
  EXPECT_EQ(peek(R"({"id":2.0})").raw_id, "2.0");
}

TEST(Peek, ANullIdIsThereButStandsForNothing) {
  expect_all({{R"({"id":null,"error":{"code":-32700}})", "response null error"},
              {R"({"id":null,"method":"m"})", "request m null"}});
  EXPECT_EQ(peek(R"({"id":null})").id, MessageId(nullptr));
}

TEST(Peek, UnescapesMethodsAndKeys) {
  expect_all({
      {R"({"method":"textDocument\/didOpen"})", "notification textDocument/didOpen"},
      {R"({"m\u0065thod":"a\u0062"})", "notification ab"},
      {R"({"\u0069d":5,"x\\":1})", "response 5"},
      {R"({"method":"größe"})", "notification größe"},
  });
}

TEST(Peek, TheLastOfTwoKeysCounts) {
  expect_all({{R"({"id":1,"id":2,"method":"a","method":"b"})", "request b 2"},
              {R"({"id":1,"error":{},"error":null})", "response 1"}});
}

TEST(Peek, WhatIsNoMessageIsUnknown) {
  expect_all({
      {"", "unknown"},
      {"   ", "unknown"},
      {"null", "unknown"},
      {"7", "unknown"},
      {"\"method\"", "unknown"},
      {"{}", "unknown"},
      {R"([{"id":1,"method":"m"}])", "unknown"},
      {R"({"jsonrpc":"2.0","params":{}})", "unknown"},
      {R"({"id":1,"method":7})", "unknown"},
      {R"({"id":1,"method":null})", "unknown"},
      {R"({"id":1,"method":{"method":"m"}})", "unknown"},
      {R"({"id":{},"method":"m"})", "unknown"},
      {R"({"id":[1],"method":"m"})", "unknown"},
      {R"({"id":true,"method":"m"})", "unknown"},
      {R"({"id":1.5,"method":"m"})", "unknown"},
      {R"({"id":1e300,"method":"m"})", "unknown"},
      {R"({"id":9223372036854775808,"method":"m"})", "unknown"},
      {R"({"id":01,"method":"m"})", "unknown"},
      {R"({"id":nul,"method":"m"})", "unknown"},
      {R"({"id":"\x","method":"m"})", "unknown"},
      {R"({"method":"\ud800"})", "unknown"},
      {"{\"method\":\"\xff\"}", "unknown"},
      {R"({"\q":1,"method":"m"})", "unknown"},
  });
}

TEST(Peek, BrokenObjectsAreUnknown) {
  const std::string whole = R"({"jsonrpc":"2.0","id":12,"method":"m","params":{"a":["x\"",{}]}})";
  EXPECT_EQ(seen(whole), "request m 12");
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(seen(std::string_view(whole).substr(0, length)), "unknown") << length;
  expect_all({
      {whole + "x", "unknown"},
      {whole + whole, "unknown"},
      {R"({"id":1,})", "unknown"},
      {R"({,"id":1})", "unknown"},
      {R"({"id" 1})", "unknown"},
      {R"({"id":})", "unknown"},
      {R"({"id":1 "method":"m"})", "unknown"},
      {R"({id:1,"method":"m"})", "unknown"},
      {R"({"id":1,"params":]})", "unknown"},
  });
}

TEST(Peek, DepthIsNoMatter) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(seen(R"({"params":)" + deep + R"(,"id":1})"), "response 1");
  EXPECT_EQ(seen(R"({"id":)" + deep + "}"), "unknown");
}

// What a glance tells: a method, the JSON text of the id that is answered, or "?".
std::string glanced(std::string_view start) {
  const auto seen = glance(start);
  if (!seen) return "?";
  return seen->method.empty() ? "answers " + id_to_json(seen->id) : std::string(seen->method);
}

TEST(Glance, NeedsNoMoreThanTheMethod) {
  const std::string_view body =
      R"({"jsonrpc":"2.0","id":12,"method":"a/b","params":{"text":"x\"}{y"}})";
  const auto start = [&](std::string_view end) {
    return glanced(body.substr(0, body.find(end) + end.size()));
  };
  EXPECT_EQ(start(R"("id":1)"), "?");
  EXPECT_EQ(start(R"("method":"a)"), "?");
  EXPECT_EQ(start(R"("method":"a/b",)"), "a/b");
  EXPECT_EQ(start(R"("text":"x\)"), "a/b");
  EXPECT_EQ(glanced(body), "a/b");
}

TEST(Glance, KnowsAnAnswerByItsResult) {
  const std::vector<Case> cases{
      {R"({"id":1,"result":{"a)", "answers 1"},
      {R"({"id":"x","error":{"a)", "answers \"x\""},
      {R"({ "jsonrpc" : "2.0" , "id" : null , "error" : {)", "answers null"},
      {R"({"jsonrpc":"2.0","id":12)", "?"},
      {R"({"id":1,"params":{"a)", "?"},  // a method may come
      {R"({"result":{"a":1},"id":1})", "?"},
      {R"({"params":{},"method":"m","x)", "m"},
      {R"({"method":"a\u002fb","id":1})", "?"},
      {R"({"id":1})", "?"},
      {R"({"id":1,"met)", "?"},
      {R"({"method":7,"id":1})", "?"},
      {R"([{"id":1,"method":"m",)", "?"},
      {R"({"a" "b")", "?"},
      {R"({"\q":1,"method":"m"})", "?"},
      {"", "?"},
      {"{", "?"},
      {"{}", "?"}};
  for (const Case& one : cases) EXPECT_EQ(glanced(one.body), one.seen) << one.body;
}

TEST(MessageIds, GoToJsonAndBack) {
  for (const MessageId& id : {MessageId(nullptr), MessageId(std::int64_t{-5}), MessageId(INT64_MAX),
                              MessageId(""), MessageId("strop:1"), MessageId("a\"\n\\é")})
    EXPECT_EQ(parse_id(id_to_json(id)), id);
  EXPECT_EQ(id_to_json(MessageId("a\"b")), R"("a\"b")");
  EXPECT_EQ(id_of(nlohmann::json(7u)), MessageId(std::int64_t{7}));
  EXPECT_EQ(id_of(nlohmann::json::array({1})), MessageId(nullptr));
  EXPECT_EQ(parse_id("1 2"), MessageId(nullptr));
  EXPECT_EQ(parse_id(""), MessageId(nullptr));
  EXPECT_EQ(parse_id("12345678901234567890"), MessageId(nullptr));
}

}  // namespace
}  // namespace strop::lsp
