// Knowing when to stay silent: by a threshold, by a head, and letting some through all the same.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/provider/editor_documents.h"
#include "agent/provider/silence_filter.h"
#include "provider_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

Backend with_threshold(double threshold, double explore = 0) {
  Backend backend;
  backend.config.silence = Silence::kThreshold;
  backend.config.silence_explore = explore;
  backend.silence = schema::SilenceRule{threshold, std::nullopt};
  return backend;
}

// A probability of 0.5 where the log-probability is −2, more above it.
Backend with_head() {
  Backend backend = with_threshold(1000);
  schema::SilenceHead head;
  head.weights = {1, 0, 0, 0, 0, 0};
  head.means = {-2, 0, 0, 0, 0, 0};
  head.scales = {1, 1, 1, 1, 1, 1};
  backend.config.silence = Silence::kHead;
  backend.silence->head = head;
  return backend;
}

TEST(SilenceFilter, KeepsBackWhatIsBelowTheThreshold) {
  // 2·ln(1 + 1) = 1.39 and 2·ln(1 + 9) = 4.61 for the lengths.
  const Filtered out = filter_silent(with_threshold(0), ask_of("1"),
                                     {{"a", "bbbbbbbbb", "c"}, {-1.5, -4.5, -1.0}, "m"});
  EXPECT_EQ(out.shown, (Completions{{"bbbbbbbbb", "c"}, {-4.5, -1.0}, "m"}));
  EXPECT_EQ(out.kept_back, 1U);
  EXPECT_FALSE(out.propensity);
}

TEST(SilenceFilter, TheHeadAsksForABreakEvenAcceptance) {
  // ln(3) below the mean is a probability of exactly one in four.
  const Filtered out =
      filter_silent(with_head(), ask_of("1"), {{"a", "b"}, {-2 - std::log(3.0) - 0.01, -2.9}, "m"});
  EXPECT_THAT(out.shown.texts, ElementsAre("b"));
}

TEST(SilenceFilter, WithoutALogProbabilityItIsShown) {
  const Filtered out = filter_silent(with_threshold(100), ask_of("1"), {{"a"}, {{}}, "m"});
  EXPECT_THAT(out.shown.texts, ElementsAre("a"));
}

TEST(SilenceFilter, WhatIsAskedForByHandIsShown) {
  InlineAsk ask = ask_of("1");
  ask.invoked = true;
  EXPECT_THAT(filter_silent(with_threshold(100), ask, {{"a"}, {-1.0}, "m"}).shown.texts,
              ElementsAre("a"));
}

TEST(SilenceFilter, WithoutARuleAllAreShown) {
  EXPECT_THAT(filter_silent({}, ask_of("1"), {{"a"}, {-1e9}, "m"}).shown.texts, ElementsAre("a"));
}

TEST(SilenceFilter, WhatIsLetThroughSaysHowProbableThatWas) {
  InlineAsk ask = ask_of("1");
  const double half = 0.5;
  for (int line = 0; !explores(ask, half); ++line) ask.prefix += "x\n";
  const Completions low{{"a"}, {-9.0}, "m"};
  const Filtered out = filter_silent(with_threshold(100, half), ask, low);
  EXPECT_EQ(out.shown, low);
  EXPECT_THAT(out.propensity, Optional(half));
  EXPECT_FALSE(filter_silent(with_threshold(-100, half), ask, low).propensity) << "it passes";
  EXPECT_THAT(filter_silent(with_threshold(100, 0), ask, low).shown.texts, IsEmpty());
}

TEST(SilenceFilter, SoManyLinesExploreAndTypingOnDrawsNotAgain) {
  int exploring = 0;
  InlineAsk ask;
  ask.uri = "file:///a.py";
  for (int line = 0; line < 4000; ++line) {
    ask.prefix += "line\n";
    if (ask.prefix.size() > 4000) ask.prefix = std::to_string(line) + "\n";
    const bool explored = explores(ask, 0.05);
    exploring += explored ? 1 : 0;
    InlineAsk typed_on = ask;
    typed_on.prefix += "  retu";
    ASSERT_EQ(explores(typed_on, 0.05), explored);
  }
  EXPECT_NEAR(exploring / 4000.0, 0.05, 0.015);  // more than four standard deviations
}

// The prefix is cut at a line that moves on with the cursor.
TEST(SilenceFilter, InALongFileALineIsDrawnOnceToo) {
  using nlohmann::json;
  constexpr const char* kUri = "file:///long.cpp";
  constexpr int kLine = 90;
  std::string text;
  for (int line = 0; line < 400; ++line)
    text += "line " + std::to_string(line) + std::string(kLine, 'x') + "\n";
  EditorDocuments documents{AskRules{}};
  documents.note("textDocument/didOpen",
                 json{{"method", "textDocument/didOpen"},
                      {"params",
                       {{"textDocument",
                         {{"uri", kUri}, {"languageId", "cpp"}, {"version", 1}, {"text", text}}}}}}
                     .dump());
  const auto explored_at = [&](int line, int character) {
    const json request{{"id", 7},
                       {"method", "textDocument/inlineCompletion"},
                       {"params",
                        {{"textDocument", {{"uri", kUri}}},
                         {"position", {{"line", line}, {"character", character}}},
                         {"context", {{"triggerKind", 2}}}}}};
    return explores(documents.around_cursor(request.dump(), "7").value(), 0.5);
  };
  int exploring = 0;
  for (int line = 100; line < 400; ++line) {
    const bool explored = explored_at(line, 0);
    exploring += explored ? 1 : 0;
    for (int character = 1; character <= kLine; character += 5)
      ASSERT_EQ(explored_at(line, character), explored) << line << ", " << character;
  }
  EXPECT_NEAR(exploring, 150, 35);  // four standard deviations: 4·√(300·½·½)
}

constexpr double kNearlyAlways = 0.999'999;

ServerReply unsure(const ServerRequest&) {
  return {.body = R"({"model": "m", "choices": [{"text": "x",
                      "logprobs": {"token_logprobs": [-5]}}]})"};
}

TEST_F(ProviderTest, SilenceIsAnEmptyAnswerAndCounted) {
  serve(unsure);
  Backend backend = with_threshold(0);
  backend.endpoint = parse_endpoint(server_->url(), false).value();
  start_with({backend}).ask(ask_of("1"));
  EXPECT_THAT(answers_.next().texts, IsEmpty());
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 1, .silent = 1}));
}

TEST_F(ProviderTest, WhatExploresIsMarked) {
  serve(unsure);
  Backend backend = with_threshold(0, kNearlyAlways);
  backend.endpoint = parse_endpoint(server_->url(), false).value();
  start_with({backend}).ask(ask_of("1"));
  const InlineAnswer answer = answers_.next();
  EXPECT_THAT(answer.texts, ElementsAre("x"));
  EXPECT_THAT(answer.note.propensities, ElementsAre(Optional(kNearlyAlways)));
}

// What is let through first, and what is asked for by hand behind it.
class JoinedAnswersTest : public ProviderTest {
 protected:
  InlineAnswer joined_with(const std::string& first, const std::string& second) {
    serve([=](const ServerRequest& request) {
      return request.body["n"] == 1 ? unsure(request)
                                    : ServerReply{.body = completion_of({first, second})};
    });
    Backend backend = with_threshold(0, kNearlyAlways);
    backend.endpoint = parse_endpoint(server_->url(), false).value();
    start_with({backend}).ask(ask_of("1"));
    answers_.next();
    InlineAsk by_hand = ask_of("2");
    by_hand.invoked = true;
    provider_->ask(by_hand);
    return answers_.next();
  }
};

TEST_F(JoinedAnswersTest, EachCandidateKeepsItsPropensity) {
  const InlineAnswer answer = joined_with("y", "z");
  EXPECT_THAT(answer.texts, ElementsAre("x", "y", "z"));
  EXPECT_THAT(answer.note.propensities,
              ElementsAre(Optional(kNearlyAlways), std::nullopt, std::nullopt));
}

TEST_F(JoinedAnswersTest, WhatBothHaveIsCertainNow) {
  const InlineAnswer answer = joined_with("y", "x");
  EXPECT_THAT(answer.texts, ElementsAre("x", "y"));
  EXPECT_THAT(answer.note.propensities, ElementsAre(std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace strop::agent::test
