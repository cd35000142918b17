// The relay's changes to messages: exactly those listed, every other byte as the sender wrote it.
#include "agent/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/raw_json.h"

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kAccept = "strop.accept.0123456789abcdef0123456789abcdef";

// `text` with every %A as the accept command.
std::string with_accept(std::string text) {
  for (std::size_t at = 0; (at = text.find("%A", at)) != std::string::npos;)
    text.replace(at, 2, kAccept);
  return text;
}

std::string initialized(const std::string& capabilities) {
  return R"({"jsonrpc":"2.0","id":0,"result":{"capabilities":)" + capabilities + "}}";
}

// What no one would write by hand, and still has to come out as it went in.
constexpr const char* kOddities =
    R"({ "zz" : 1.0e+05 ,"a":-0, "big": 12345678901234567890123, "e":"\u00e9\/\ud83d\ude00",)"
    "\r\n\t\"dup\":1,\"dup\" :2 ";

TEST(AcceptCommand, IsNewEachTimeAndOf128BitsInHex) {
  const std::string one = make_accept_command();
  EXPECT_THAT(one, testing::MatchesRegex("strop\\.accept\\.[0-9a-f]{32}"));
  EXPECT_NE(one, make_accept_command());
}

struct Announcement {
  std::string name;
  bool offer_inline = false;
  std::string before;  // capabilities
  std::string after;
};

class Announce : public testing::TestWithParam<Announcement> {};

TEST_P(Announce, ChangesWhatItIsAboutAlone) {
  const Announcement& that = GetParam();
  EXPECT_EQ(announce(initialized(that.before), kAccept, that.offer_inline),
            initialized(with_accept(that.after)));
}

INSTANTIATE_TEST_SUITE_P(
    Capabilities, Announce,
    testing::Values(
        Announcement{"None", false, "{}", R"({"executeCommandProvider":{"commands":["%A"]}})"},
        Announcement{"Others", false, R"({"hoverProvider":true})",
                     R"({"hoverProvider":true,"executeCommandProvider":{"commands":["%A"]}})"},
        Announcement{"Commands", false, R"({"executeCommandProvider" : {"commands": [ "a.b" ] } })",
                     R"({"executeCommandProvider" : {"commands": [ "a.b" ,"%A"] } })"},
        Announcement{"NoCommandsYet", false,
                     R"({"executeCommandProvider":{"commands":[],"workDoneProgress":true}})",
                     R"({"executeCommandProvider":{"commands":["%A"],"workDoneProgress":true}})"},
        Announcement{"ProviderWithoutCommands", false,
                     R"({"executeCommandProvider":{"workDoneProgress":true}})",
                     R"({"executeCommandProvider":{"workDoneProgress":true,"commands":["%A"]}})"},
        Announcement{"CommandsOfAWrongType", false,
                     R"({"executeCommandProvider":{"commands":null}})",
                     R"({"executeCommandProvider":{"commands":["%A"]}})"},
        Announcement{"Null", false, R"({"executeCommandProvider":null, "x":1})",
                     R"({"executeCommandProvider":{"commands":["%A"]}, "x":1})"},
        Announcement{
            "InlineIsNotOffered", false, R"({"inlineCompletionProvider":false})",
            R"({"inlineCompletionProvider":false,"executeCommandProvider":{"commands":["%A"]}})"},
        Announcement{
            "InlineAppears", true, R"({"x":1})",
            R"({"x":1,"executeCommandProvider":{"commands":["%A"]},"inlineCompletionProvider":true})"},
        Announcement{
            "InlineAppearsForFalse", true,
            R"({"inlineCompletionProvider":false,"executeCommandProvider":{"commands":[]}})",
            R"({"inlineCompletionProvider":true,"executeCommandProvider":{"commands":["%A"]}})"},
        Announcement{
            "TheServersOwnInlineStays", true,
            R"({"inlineCompletionProvider":{ },"executeCommandProvider":{"commands":[]}})",
            R"({"inlineCompletionProvider":{ },"executeCommandProvider":{"commands":["%A"]}})"},
        Announcement{
            "TheLastOfEqualKeys", false,
            R"({"executeCommandProvider":{"commands":["a"]},"executeCommandProvider":{"commands":["b"]}})",
            R"({"executeCommandProvider":{"commands":["a"]},"executeCommandProvider":{"commands":["b","%A"]}})"}),
    [](const auto& param) { return param.param.name; });

TEST(AnnounceTest, OddSpellingsStayAsTheyAre) {
  const std::string before =
      initialized(std::string(kOddities) + R"(, "executeCommandProvider" :{"commands":["x"]}})");
  const std::string after =
      initialized(std::string(kOddities) +
                  with_accept(R"(, "executeCommandProvider" :{"commands":["x","%A"]}})"));
  EXPECT_EQ(announce(before, kAccept, false), after);
}

TEST(AnnounceTest, WithoutACommandOnlyInlineAppears) {
  EXPECT_EQ(announce(initialized(R"({"x":1})"), "", true),
            initialized(R"({"x":1,"inlineCompletionProvider":true})"));
}

TEST(AnnounceTest, NoChangeIsNothing) {
  EXPECT_FALSE(announce(initialized(R"({"inlineCompletionProvider":true})"), "", true));
  EXPECT_FALSE(announce(initialized("{}"), "", false));
}

TEST(AnnounceTest, WhatIsNoInitializeAnswerIsLeft) {
  for (const char* other :
       {"", "[]", "{", R"({"id":0,"result":null})", R"({"id":0,"result":{"capabilities":null}})",
        R"({"id":0,"error":{"code":1,"message":"no"}})", R"({"id":0,"result":{"capabilities":{}})",
        R"({"id":0,"result":{"capabilities":{}}} x)",
        "{\"result\":{\"capabilities\":{\"\xff\":1}}}"})
    EXPECT_FALSE(announce(other, kAccept, true)) << other;
}

TEST(ServerFactsTest, AreReadFromTheAnswer) {
  const std::string answer =
      R"({"id":1,"result":{"serverInfo":{"name":"clangd"},"capabilities":{"positionEncoding":"utf-8",)"
      R"("inlineCompletionProvider":{},"executeCommandProvider":{"commands":["a","b",3]}}}})";
  const ServerFacts expected{true, "clangd", "utf-8", true, {"a", "b"}};
  EXPECT_EQ(read_server_facts(answer), expected);
}

TEST(ServerFactsTest, InlineOfNullOrFalseIsNone) {
  for (const char* none :
       {"{}", R"({"inlineCompletionProvider":null})", R"({"inlineCompletionProvider":false})"}) {
    const ServerFacts facts = read_server_facts(initialized(none));
    EXPECT_TRUE(facts.valid) << none;
    EXPECT_FALSE(facts.inline_completion) << none;
  }
}

TEST(ServerFactsTest, OfNoValidAnswerThereAreNone) {
  for (const char* other : {"", R"({"id":1,"error":{}})", R"({"id":1,"result":{}})",
                            R"({"id":1,"result":{"capabilities":{}})"})
    EXPECT_EQ(read_server_facts(other), ServerFacts()) << other;
}

TEST(Registrations, AreReadWithTheirCommands) {
  const std::string request =
      R"({"id":7,"method":"client/registerCapability","params":{"registrations":[)"
      R"({"id":"r1","method":"workspace/executeCommand","registerOptions":{"commands":["a"]}},)"
      R"({"id":"r2","method":"textDocument/inlineCompletion"}]}})";
  EXPECT_THAT(read_registrations(request),
              ElementsAre(Registered{"r1", "workspace/executeCommand", {"a"}},
                          Registered{"r2", "textDocument/inlineCompletion", {}}));
  EXPECT_THAT(read_registrations("{}"), IsEmpty());
}

TEST(Registrations, AreTakenBackByTheProtocolsMisspelledKey) {
  EXPECT_THAT(read_unregistrations(
                  R"({"params":{"unregisterations":[{"id":"r1","method":"m"},{"id":"r2"}]}})"),
              ElementsAre("r1", "r2"));
}

TEST(Registrations, TheFirstOfExecuteCommandGainsTheCommand) {
  const std::string before =
      R"({"id":7, "params":{"registrations":[ {"id":"0","method":"x","registerOptions":{}},)"
      R"({"id":"1","method":"workspace/executeCommand","registerOptions":{"commands":["a"]}},)"
      R"({"id":"2","method":"workspace/executeCommand","registerOptions":{"commands":["b"]}}]}})";
  std::string after = before;
  after.replace(after.find(R"(["a"])"), 5, with_accept(R"(["a","%A"])"));
  EXPECT_EQ(announce_in_registration(before, kAccept), after);
}

TEST(Registrations, OthersAreLeft) {
  for (
      const char* other :
      {"{", "{}", R"({"params":{"registrations":[]}})",
       R"({"params":{"registrations":[{"id":"1","method":"textDocument/hover","registerOptions":{}}]}})",
       R"({"params":{"registrations":[{"id":"1","method":"workspace/executeCommand"}]}})"})
    EXPECT_FALSE(announce_in_registration(other, kAccept)) << other;
}

}  // namespace
}  // namespace strop::agent
