// What the provider says to a model server and reads from its answer: addresses, keys, bodies.
#include "agent/provider/completion_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "user_home.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr CompletionApi kOpenAi = CompletionApi::kCompletions;
constexpr CompletionApi kInfill = CompletionApi::kInfill;

TEST(ParseEndpoint, TakesAddressesApart) {
  const std::pair<const char*, Endpoint> kGood[] = {
      {"http://127.0.0.1:8012", {false, "127.0.0.1", "8012", "/v1/completions", kOpenAi}},
      {"http://127.0.0.1", {false, "127.0.0.1", "80", "/v1/completions", kOpenAi}},
      {"http://127.9.9.9:1/", {false, "127.9.9.9", "1", "/v1/completions", kOpenAi}},
      {"http://localhost:8012/v1", {false, "localhost", "8012", "/v1/completions", kOpenAi}},
      {"http://localhost:8012/v1/", {false, "localhost", "8012", "/v1/completions", kOpenAi}},
      {"http://[::1]:8012/api/v1", {false, "::1", "8012", "/api/v1/completions", kOpenAi}},
      {"http://[::1]", {false, "::1", "80", "/v1/completions", kOpenAi}},
      {"http://localhost:65535/infill", {false, "localhost", "65535", "/infill", kInfill}},
      {"https://models.example", {true, "models.example", "443", "/v1/completions", kOpenAi}},
      {"https://models.example/a", {true, "models.example", "443", "/a", kOpenAi}}};
  for (const auto& [url, wanted] : kGood) {
    const auto endpoint = parse_endpoint(url, true);
    ASSERT_TRUE(endpoint) << endpoint.error();
    EXPECT_EQ(*endpoint, wanted) << url;
  }
}

TEST(ParseEndpoint, RefusesWithWhatToDo) {
  constexpr const char* kAway = "plain http goes to this machine alone";
  constexpr const char* kForm = "is not SCHEME://HOST:PORT/PATH";
  const std::pair<const char*, const char*> kBad[] = {
      {"http://models.example", kAway},
      {"http://10.0.0.1:8012", kAway},
      {"http://0.0.0.0:8012", kAway},
      {"http://128.0.0.1", kAway},
      {"http://[::2]:8012", kAway},
      {"http://127.0.0.1.example.com", kAway},
      {"http://localhost.example.com", kAway},
      {"http://2130706433", kAway},  // 127.0.0.1 to some readers, a name to others
      {"http://user:secret@127.0.0.1", "a user or password does not belong in it"},
      {"https://user@models.example", "set provider.key_file"},
      {"ftp://127.0.0.1", "must begin with http:// (this machine) or https://"},
      {"127.0.0.1:8012", "must begin with http://"},
      {"HTTP://127.0.0.1", "must begin with http://"},
      {"", "must begin with http://"},
      {"http://", kForm},
      {"http://:8012", kForm},
      {"http://127.0.0.1:", kForm},
      {"http://127.0.0.1:0", kForm},
      {"http://127.0.0.1:65536", kForm},
      {"http://127.0.0.1:-1", kForm},
      {"http://127.0.0.1:80x", kForm},
      {"http://[::1", kForm},
      {"http://[::1]8012", kForm},
      {"http://127.0.0.1/v1?key=secret", "a path with no query is expected"},
      {"http://127.0.0.1/a b", "a path with no query is expected"},
      {"http://127.0.0.1/\r\nHost: evil", "a path with no query is expected"}};
  for (const auto& [url, says] : kBad) {
    const auto endpoint = parse_endpoint(url, true);
    ASSERT_FALSE(endpoint) << url;
    EXPECT_THAT(endpoint.error(), HasSubstr(says)) << url;
  }
}

TEST(ParseEndpoint, HttpsNeedsAKey) {
  const auto endpoint = parse_endpoint("https://models.example", false);
  ASSERT_FALSE(endpoint);
  EXPECT_THAT(endpoint.error(), HasSubstr("set provider.key_file to a file of mode 0600"));
  EXPECT_TRUE(parse_endpoint("http://127.0.0.1", false));
}

class KeyFileTest : public testing::Test {
 protected:
  fs::path file(const std::string& text, int mode = 0600) const {
    UserHome::write(home_ / "key", text);
    fs::permissions(home_ / "key", fs::perms(mode));
    return home_ / "key";
  }
  UserHome home_;
};

TEST_F(KeyFileTest, TheFirstLineIsTheKey) {
  for (const char* text : {"sesame", "sesame\n", "sesame\r\n", "sesame\n\nnotes\n"})
    EXPECT_EQ(read_key_file(file(text)), "sesame") << text;
  EXPECT_EQ(read_key_file(file("sesame", 0400)), "sesame");
}

TEST_F(KeyFileTest, AFileThatOthersMayReadIsRefused) {
  for (const int mode : {0644, 0640, 0604, 0610, 0620}) {
    const auto key = read_key_file(file("sesame", mode));
    ASSERT_FALSE(key) << mode;
    EXPECT_THAT(key.error(), HasSubstr("others may read it; do: chmod 600"));
    EXPECT_THAT(key.error(), HasSubstr((home_ / "key").string()));
  }
}

TEST_F(KeyFileTest, WhatIsNoKeyIsRefused) {
  for (const char* text : {"", "\nsesame", "open sesame", "sesam\xc3\xa9"})
    EXPECT_THAT(read_key_file(file(text)).error(), HasSubstr("its first line must be the key"));
  EXPECT_THAT(read_key_file(home_ / "none").error(), HasSubstr("cannot be read"));
  EXPECT_THAT(read_key_file(home_ / "home").error(), HasSubstr("is no file"));
}

InlineAsk ask_of(const std::string& prefix, const std::string& suffix, bool single_line = true) {
  InlineAsk ask;
  ask.prefix = prefix;
  ask.suffix = suffix;
  ask.single_line = single_line;
  return ask;
}

const InlineAsk kLine = ask_of("", "");
const InlineAsk kLines = ask_of("", "", false);

TEST(RequestBody, IsAsEachServerTakesIt) {
  ProviderConfig config;
  config.max_tokens = 9;
  config.candidates = 3;
  EXPECT_EQ(json::parse(request_body(kOpenAi, config, ask_of("a", "b"))), json::parse(R"({
    "prompt": "a", "suffix": "b", "max_tokens": 9, "temperature": 0.4, "n": 3, "logprobs": 1,
    "stop": ["\n"]})"));
  EXPECT_EQ(json::parse(request_body(kInfill, config, ask_of("a", "b"))), json::parse(R"({
    "input_prefix": "a", "input_suffix": "b", "n_predict": 9, "temperature": 0.4, "n_probs": 1,
    "n_cmpl": 3, "cache_prompt": true, "stop": ["\n"]})"));
}

TEST(RequestBody, LeavesOutWhatIsNotSaid) {
  ProviderConfig config;
  config.model = "qwen";
  const json body = json::parse(request_body(kOpenAi, config, ask_of("a", "", false)));
  EXPECT_FALSE(body.contains("suffix"));
  EXPECT_FALSE(body.contains("stop"));
  EXPECT_EQ(body["model"], "qwen");
}

TEST(RequestBody, ByHandMoreAreAskedFor) {
  ProviderConfig config;
  InlineAsk ask = ask_of("a", "b");
  json body = json::parse(request_body(kOpenAi, config, ask));
  EXPECT_EQ(body["n"], 1);
  EXPECT_EQ(body["temperature"], 0);
  ask.invoked = true;
  body = json::parse(request_body(kOpenAi, config, ask));
  EXPECT_EQ(body["n"], 3);
  EXPECT_EQ(body["temperature"], 0.4) << "or all would be the same";
  config.temperature = 0.7;
  config.candidates = 5;
  body = json::parse(request_body(kOpenAi, config, ask));
  EXPECT_EQ(body["n"], 5);
  EXPECT_EQ(body["temperature"], 0.7);
}

TEST(RequestBody, AFamilysTemplateIsAppliedHere) {
  ProviderConfig config;
  config.fim = "qwen";
  const json body = json::parse(request_body(kOpenAi, config, ask_of("a", "b")));
  EXPECT_EQ(body["prompt"], "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>");
  EXPECT_FALSE(body.contains("suffix"));
}

TEST(RequestBody, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(json::parse(request_body(kOpenAi, {}, ask_of("a\xff", "")))["prompt"], "a\xef\xbf\xbd");
}

TEST(PromptHash, NamesPrefixAndSuffixApart) {
  EXPECT_EQ(prompt_hash(ask_of("", "")),  // SHA-256 of the one NUL
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_NE(prompt_hash(ask_of("ab", "c")), prompt_hash(ask_of("a", "bc")));
}

TEST(ReadCompletions, TakesTextsModelAndLogProbs) {
  const auto read = read_completions(kOpenAi, R"({"model": "m", "choices": [
      {"text": "one", "logprobs": {"token_logprobs": [-0.5, -1.5]}},
      {"text": "two", "logprobs": {"token_logprobs": [-1, null]}},
      {"text": "three", "logprobs": null}]})",
                                     kLine);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, (Completions{{"one", "two", "three"}, {-2.0, {}, {}}, "m", {{}, {}, {}}}));
}

TEST(ReadCompletions, DropsBlankOnesAndRepeats) {
  const auto read = read_completions(
      kOpenAi, R"({"choices": [{"text": " \n"}, {"text": "a\nb"}, {"text": "a"}, {"text": ""}]})",
      kLine);
  EXPECT_THAT(read->texts, ElementsAre("a"));
  EXPECT_EQ(read->logprobs.size(), 1U);
}

TEST(ReadCompletions, OneLineEndsWithoutItsCarriageReturn) {
  const char* body = R"({"choices": [{"text": "a\r\nb"}]})";
  EXPECT_THAT(read_completions(kOpenAi, body, kLine)->texts, ElementsAre("a"));
  EXPECT_THAT(read_completions(kOpenAi, body, kLines)->texts, ElementsAre("a\r\nb"));
}

TEST(ReadCompletions, InfillHasOneContent) {
  EXPECT_THAT(read_completions(kInfill, R"({"content": "x"})", kLine)->texts, ElementsAre("x"));
  EXPECT_THAT(read_completions(kInfill, R"({"content": ""})", kLine)->texts, IsEmpty());
}

TEST(ReadCompletions, InfillTellsLogProbsAndMayGiveSeveral) {
  const auto read = read_completions(kInfill, R"([
      {"content": "one", "model": "m", "completion_probabilities": [
        {"token": "o", "logprob": -0.5}, {"token": "ne", "logprob": -1}]},
      {"content": "two", "model": "m", "completion_probabilities": [{"token": "two"}]},
      {"content": "one", "model": "m"}])",
                                     kLine);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read,
            (Completions{
                {"one", "two"}, {-1.5, {}}, "m", {{{0, -0.5}, {1, -1.0}}, {{0, std::nullopt}}}}));
}

TEST(ReadCompletions, ATextThatIsCutHasTheLogProbOfWhatIsLeft) {
  const auto logprob = [](const char* tokens) {
    const std::string body = std::string(R"({"choices": [{"text": "ab\nc", "logprobs": {)") +
                             tokens + R"("token_logprobs": [-1, -2, -4, -8]}}]})";
    return read_completions(kOpenAi, body, kLine)->logprobs.at(0);
  };
  EXPECT_EQ(logprob(R"("tokens": ["a", "b", "\n", "c"], )"), -3.0);
  EXPECT_EQ(logprob(R"("tokens": ["a", "b\n", "c", ""], )"), -3.0) << "begun within what is left";
  EXPECT_EQ(logprob(R"("tokens": ["x", "b", "\n", "c"], )"), -15.0) << "not the text's tokens";
  EXPECT_EQ(logprob(""), -15.0);
}

TEST(ReadCompletions, TokensAreThoseOfWhatIsLeft) {
  const auto tokens = [](const char* texts) {
    const std::string body = std::string(R"({"choices": [{"text": "ab\nc", "logprobs": {)") +
                             texts + R"("token_logprobs": [-1, -2, -4, -8]}}]})";
    return read_completions(kOpenAi, body, kLine)->tokens.at(0);
  };
  EXPECT_EQ(tokens(R"("tokens": ["a", "b\n", "c", ""], )"), (TokenLogprobs{{0, -1}, {1, -2}}));
  EXPECT_THAT(tokens(R"("tokens": ["x", "b", "\n", "c"], )"), IsEmpty());
  EXPECT_THAT(tokens(""), IsEmpty());
}

TEST(TokenLogprobs, APartHasThoseThatReachIntoIt) {
  const TokenLogprobs abcdef{{0, -1}, {2, -2}, {4, -4}, {6, -8}};  // ab cd ef, and the end
  EXPECT_EQ(tokens_within(abcdef, 0, 6, 6), abcdef);
  EXPECT_EQ(tokens_within(abcdef, 2, 6, 6), (TokenLogprobs{{0, -2}, {2, -4}, {4, -8}}));
  EXPECT_EQ(tokens_within(abcdef, 3, 6, 6), (TokenLogprobs{{0, -2}, {1, -4}, {3, -8}}));
  EXPECT_EQ(tokens_within(abcdef, 3, 4, 6), (TokenLogprobs{{0, -2}}));
  EXPECT_EQ(tokens_within(abcdef, 5, 6, 6), (TokenLogprobs{{0, -4}, {1, -8}}));
  EXPECT_THAT(tokens_within({}, 0, 6, 6), IsEmpty());
}

TEST(TokenLogprobs, OneThatIsNotKnownLeavesTheSumUnknown) {
  EXPECT_EQ(summed({{0, -1}, {2, -2}}), -3.0);
  EXPECT_EQ(summed({{0, -1}, {2, std::nullopt}}), std::nullopt);
  EXPECT_EQ(summed({}), std::nullopt);
  EXPECT_EQ(summed({{0, -std::numeric_limits<double>::infinity()}}), std::nullopt);
}

TEST(ReadCompletions, SeveralLinesAreCutByWhatIsAroundTheCursor) {
  const auto read =
      read_completions(kOpenAi, R"({"choices": [{"text": "\n    a();\n  }\n  b();"}]})",
                       ask_of("  if (x) {", "\n  }\n", false));
  EXPECT_THAT(read->texts, ElementsAre("\n    a();"));
}

TEST(ReadCompletions, SaysWhatIsWrong) {
  const std::tuple<CompletionApi, const char*, const char*> kBad[] = {
      {kOpenAi, "", "not a JSON object"},
      {kOpenAi, "<html>502</html>", "not a JSON object"},
      {kOpenAi, "[]", "not a JSON object"},
      {kOpenAi, "{}", "no 'choices'"},
      {kOpenAi, R"({"choices": "none"})", "no 'choices'"},
      {kOpenAi, R"({"choices": [3]})", "a choice has no 'text'"},
      {kOpenAi, R"({"choices": [{"message": {}}]})", "a choice has no 'text'"},
      {kOpenAi, R"({"choices": [{"text": null}]})", "a choice has no 'text'"},
      {kInfill, R"({"choices": [{"text": "a"}]})", "no 'content'"},
      {kInfill, R"({"content": 3})", "no 'content'"}};
  for (const auto& [api, body, says] : kBad) {
    const auto read = read_completions(api, body, kLine);
    ASSERT_FALSE(read) << body;
    EXPECT_THAT(read.error(), HasSubstr(says)) << body;
  }
}

TEST(RefusalText, IsWhatTheBodySaysInWhicheverForm) {
  const std::vector<std::pair<std::string, std::string>> bodies{
      {R"({"error":{"message":"no special token"}})", "no special token"},
      {R"({"error":"no such model"})", "no such model"},
      {R"({"message":"slow down"})", "slow down"},
      {R"({"detail":"not found"})", "not found"},
      {R"({"error":{"message":"two\nlines\u001b[31m\u007f"}})", "twolines[31m"},
      {R"({"error":{"code":7}})", ""},
      {"<html>not found</html>", ""},
      {"[1]", ""},
      {"", ""}};
  for (const auto& [body, said] : bodies) EXPECT_EQ(refusal_text(body), said) << body;
}

TEST(RefusalText, IsCutAtTwoHundredCharacters) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "\xC3\xA9";
  EXPECT_EQ(refusal_text("{\"error\":\"" + text + "\"}"), text);
  EXPECT_EQ(refusal_text("{\"error\":\"" + text + "xyz\"}"), text + "…");
}

TEST(ProducerName, IsOursOnThisMachineAlone) {
  const auto name = [](const std::string& url, const std::string& configured = "") {
    ProviderConfig config;
    config.name = configured;
    return producer_name(config, parse_endpoint(url, true).value());
  };
  EXPECT_EQ(name("http://127.0.0.1:8080"), "strop");
  EXPECT_EQ(name("http://[::1]:8080"), "strop");
  EXPECT_EQ(name("https://api.vendor.example/v1"), "api.vendor.example");
  EXPECT_EQ(name("https://models.team.example", "strop"), "strop");
  EXPECT_EQ(name("http://localhost:8080", "vendor"), "vendor");
}

}  // namespace
}  // namespace strop::agent::test
