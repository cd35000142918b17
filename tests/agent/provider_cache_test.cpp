// Candidates that survive typing through: what still fits, what does not, and what the provider
// makes of it.
#include <gmock/gmock.h>

#include "agent/provider/candidate_cache.h"
#include "provider_fixture.h"

namespace strop::agent::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

InlineAsk at(const std::string& prefix, const std::string& suffix = "\n}") {
  InlineAsk ask = ask_of("1", prefix);
  ask.suffix = suffix;
  return ask;
}

class CandidateCacheTest : public testing::Test {
 protected:
  void keep(const InlineAsk& ask, std::vector<std::string> texts) {
    KnownCandidates candidates;
    candidates.note.model = "m";
    for (std::size_t i = 0; i < texts.size(); ++i)
      candidates.note.logprobs.emplace_back(-1.0 - static_cast<double>(i));
    candidates.texts = std::move(texts);
    cache_.keep(ask, std::move(candidates), now_);
  }
  std::vector<std::string> found(const InlineAsk& ask) {
    const auto known = cache_.find(ask, now_);
    return known ? known->texts : std::vector<std::string>{};
  }

  CandidateCache::Time now_{};
  CandidateCache cache_{3, milliseconds(1000)};
};

TEST_F(CandidateCacheTest, GivesWhatIsLeftOfThoseThatAgree) {
  keep(at("return "), {"width * height;", "wide;", "x;"});
  const auto known = cache_.find(at("return wid"), now_);
  ASSERT_TRUE(known);
  EXPECT_THAT(known->texts, ElementsAre("th * height;", "e;"));
  EXPECT_THAT(known->note.logprobs, ElementsAre(std::nullopt, std::nullopt))
      << "not that of the whole candidates";
  EXPECT_EQ(known->note.model, "m");
}

TEST_F(CandidateCacheTest, TheSamePlaceIsTheSameAnswer) {
  keep(at("return "), {"x;"});
  EXPECT_THAT(found(at("return ")), ElementsAre("x;"));
  EXPECT_THAT(cache_.find(at("return "), now_)->note.logprobs, ElementsAre(-1.0));
}

TEST_F(CandidateCacheTest, TheLogProbabilityIsThatOfTheTokensThatAreLeft) {
  KnownCandidates candidates;
  candidates.texts = {"f(width)"};
  candidates.note.logprobs = {-15.0};
  candidates.tokens = {{{0, -1}, {2, -2}, {7, -4}, {8, -8}}};  // f( width ) and the end
  cache_.keep(at("return "), candidates, now_);
  const auto logprob = [this](const InlineAsk& ask) {
    return cache_.find(ask, now_).value().note.logprobs.at(0);
  };
  EXPECT_EQ(logprob(at("return ")), -15.0);
  EXPECT_EQ(logprob(at("return f")), -15.0) << "what is typed of a token in part counts whole";
  EXPECT_EQ(logprob(at("return f(")), -14.0);
  EXPECT_EQ(logprob(at("return f(wid")), -14.0);
  EXPECT_EQ(logprob(at("return f(width")), -12.0);
  EXPECT_EQ(logprob(at("return f(", ")\n}")), -2.0) << "the bracket is there already";
  // What is left is kept in its turn.
  cache_.keep(at("return f("), cache_.find(at("return f("), now_).value(), now_);
  EXPECT_EQ(logprob(at("return f(width")), -12.0);
}

TEST_F(CandidateCacheTest, KnowsNothingOnceAnythingElseIsOtherwise) {
  keep(at("a;\nreturn "), {"x + 1;"});
  InlineAsk other_document = at("a;\nreturn x");
  other_document.uri = "file:///src/b.cpp";
  EXPECT_THAT(found(other_document), IsEmpty());
  EXPECT_THAT(found(at("a;\nreturn x", "\n\n}")), IsEmpty()) << "behind the cursor";
  EXPECT_THAT(found(at("b;\nreturn x")), IsEmpty()) << "before what was typed";
  EXPECT_THAT(found(at("aa;\nreturn x")), IsEmpty()) << "before it, and longer";
  EXPECT_THAT(found(at("a;\nreturn y")), IsEmpty()) << "typed otherwise";
  EXPECT_THAT(found(at("a;\nretur")), IsEmpty()) << "taken back beyond the place";
  EXPECT_THAT(found(at("a;\nreturn x + 1;")), IsEmpty()) << "typed out";
  EXPECT_THAT(found(at("a;\nreturn x")), ElementsAre(" + 1;"));
}

TEST_F(CandidateCacheTest, BracketsThatTheEditorClosesAreNoOtherText) {
  keep(at("x = "), {"area(\"w\", [h]);\ny = 1;", "all(x;"});
  EXPECT_THAT(found(at("x = area", "\n}")), ElementsAre("(\"w\", [h]);\ny = 1;"));
  EXPECT_THAT(found(at("x = area(", ")\n}")), ElementsAre("\"w\", [h]"));
  EXPECT_THAT(found(at("x = area(\"", "\")\n}")), ElementsAre("w"));
  EXPECT_THAT(found(at("x = area(\"w\", ", ")\n}")), ElementsAre("[h]"));
  EXPECT_THAT(found(at("x = area(\"w\", [", "])\n}")), ElementsAre("h"));
  EXPECT_THAT(found(at("x = area(\"w\", [h])")), ElementsAre(";\ny = 1;"));
  EXPECT_THAT(found(at("x = all(", ")\n}")), ElementsAre("x;")) << "it closes nothing";
  EXPECT_THAT(found(at("x = area(", "]\n}")), IsEmpty()) << "another bracket";
  EXPECT_THAT(found(at("x = area", ")\n}")), IsEmpty()) << "nothing was opened";
  EXPECT_THAT(found(at("x = area(\"w\", [h]", ")\n}")), IsEmpty()) << "nothing is left";
}

TEST_F(CandidateCacheTest, AnApostropheIsNotAlwaysAQuote) {
  keep(at("say("), {"it's, [1]);"});
  EXPECT_THAT(found(at("say(it's, [", "]\n}")), ElementsAre("1"));
}

TEST_F(CandidateCacheTest, LineEndsOfEitherKindAreTheSame) {
  keep(at("a\r\n"), {"if (x) {\n  y();\n}"});
  EXPECT_THAT(found(at("a\r\nif (x) {\r\n  ")), ElementsAre("y();\n}"));
  keep(at("b\n"), {"if (x) {\r\n  y();\r\n}"});
  EXPECT_THAT(found(at("b\nif (x) {\n  y")), ElementsAre("();\r\n}"));
}

// A prefix begins where it had to be cut, which moves on as the text grows.
TEST_F(CandidateCacheTest, APrefixCutAtAnotherLineIsTheSameText) {
  const std::string line(200, 'l');
  InlineAsk before = at(line + "\n" + line + "\nreturn ");
  before.offset += 5000;
  keep(before, {"x + 1;"});
  InlineAsk now = at(line + "\nreturn x");
  now.offset = before.offset + 1;
  EXPECT_THAT(found(now), ElementsAre(" + 1;"));
  now.offset += 1;
  EXPECT_THAT(found(now), IsEmpty()) << "as if two characters had been typed";
}

TEST_F(CandidateCacheTest, TheAnswerClosestToTheCursorCounts) {
  keep(at("return "), {"x + 1;"});
  keep(at("return x"), {" + 2;"});
  EXPECT_THAT(found(at("return x")), ElementsAre(" + 2;"));
  EXPECT_THAT(found(at("return x +")), ElementsAre(" 2;"));
}

TEST_F(CandidateCacheTest, ANewAnswerTakesTheOldOnesPlace) {
  keep(at("return "), {"a;"});
  keep(at("return "), {"b;"});
  EXPECT_EQ(cache_.size(), 1U);
  EXPECT_THAT(found(at("return ")), ElementsAre("b;"));
}

TEST_F(CandidateCacheTest, IsBoundedAndTheOneUsedLastStays) {
  keep(at("a"), {"1"});
  keep(at("b"), {"2"});
  keep(at("c"), {"3"});
  EXPECT_THAT(found(at("a")), ElementsAre("1"));
  keep(at("d"), {"4"});
  EXPECT_EQ(cache_.size(), 3U);
  EXPECT_THAT(found(at("a")), ElementsAre("1"));
  EXPECT_THAT(found(at("b")), IsEmpty());
}

TEST_F(CandidateCacheTest, NothingIsKnownForLong) {
  keep(at("a"), {"1"});
  now_ += milliseconds(1000);
  EXPECT_THAT(found(at("a")), ElementsAre("1"));
  now_ += milliseconds(1);
  EXPECT_THAT(found(at("a")), IsEmpty());
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(CandidateCacheTest, OfSizeNoneItKeepsNothing) {
  CandidateCache none(0, milliseconds(1000));
  none.keep(at("a"), {{"1"}, {}, 1}, now_);
  EXPECT_FALSE(none.find(at("a"), now_));
}

// ---- the provider with it

ServerReply area(const ServerRequest&) {
  return {.body = R"({"model": "tiny", "choices": [{"text": "width * height;",
                      "logprobs": {"tokens": ["width", " * height;"],
                                   "token_logprobs": [-0.5, -1]}}]})"};
}

TEST_F(ProviderTest, WhatIsTypedThroughIsAnsweredWithoutTheServer) {
  serve(area);
  start().ask(ask_of("1", "return "));
  const InlineAnswer first = answers_.next();
  provider_->ask(ask_of("2", "return width"));
  const InlineAnswer second = answers_.next();
  EXPECT_EQ(second.request_id, "2");
  EXPECT_THAT(second.texts, ElementsAre(" * height;"));
  EXPECT_EQ(second.note.model, "tiny");
  EXPECT_EQ(second.note.prompt_hash, first.note.prompt_hash);
  EXPECT_THAT(first.note.logprobs, ElementsAre(-1.5));
  EXPECT_THAT(second.note.logprobs, ElementsAre(-1.0));
  EXPECT_EQ(server_->requests().size(), 1U);
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 2, .answered = 1, .cache_hits = 1}));
}

TEST_F(ProviderTest, WhatIsTypedOtherwiseIsAskedAnew) {
  serve(area);
  start().ask(ask_of("1", "return "));
  answers_.next();
  provider_->ask(ask_of("2", "return x"));
  EXPECT_THAT(answers_.next().texts, ElementsAre("width * height;"));
  EXPECT_EQ(server_->requests().size(), 2U);
}

TEST_F(ProviderTest, NoPauseIsWaitedForByHandNorWhereTheAnswerIsKnown) {
  serve(area);
  config_.debounce_ms = 120'000;
  InlineAsk by_hand = ask_of("1", "return ");
  by_hand.invoked = true;
  start().ask(by_hand);
  EXPECT_THAT(answers_.next().texts, ElementsAre("width * height;"));
  provider_->ask(ask_of("2", "return wi"));
  EXPECT_THAT(answers_.next().texts, ElementsAre("dth * height;"));
}

TEST_F(ProviderTest, WhatIsKnownPassesTheGateToo) {
  serve(area);
  bool open = true;
  start("", "", [&open](InlineAsk&) { return open; }).ask(ask_of("1", "return "));
  answers_.next();
  open = false;
  provider_->ask(ask_of("2", "return w"));
  EXPECT_THAT(answers_.next().texts, IsEmpty());
  EXPECT_EQ(provider_->counts().refused, 1U);
  EXPECT_EQ(provider_->counts().cache_hits, 0U);
}

// The gate takes a secret out of the prompt; what was typed is still seen to agree.
TEST_F(ProviderTest, TheCacheComparesWhatTheEditorHas) {
  serve(area);
  start("", "", [](InlineAsk& ask) {
    ask.prefix = "scrubbed";
    return true;
  }).ask(ask_of("1", "return "));
  answers_.next();
  provider_->ask(ask_of("2", "return wid"));
  EXPECT_THAT(answers_.next().texts, ElementsAre("th * height;"));
}

TEST_F(ProviderTest, WithoutACacheEveryRequestIsAsked) {
  serve(area);
  config_.cache = 0;
  start().ask(ask_of("1", "return "));
  answers_.next();
  provider_->ask(ask_of("2", "return "));
  answers_.next();
  EXPECT_EQ(server_->requests().size(), 2U);
}

TEST_F(ProviderTest, ByHandMoreAreAskedForAndTheOneInViewStaysFirst) {
  serve([](const ServerRequest& request) {
    return ServerReply{.body = request.body["n"] == 1 ? completion_of({"wide;"})
                                                      : completion_of({"x;", "wide;", "y;"})};
  });
  start().ask(ask_of("1", "return "));
  EXPECT_THAT(answers_.next().texts, ElementsAre("wide;"));
  InlineAsk by_hand = ask_of("2", "return ");
  by_hand.invoked = true;
  provider_->ask(by_hand);
  EXPECT_THAT(answers_.next().texts, ElementsAre("wide;", "x;", "y;"));
  EXPECT_EQ(server_->requests().at(1).body["n"], 3);
  by_hand.request_id = "3";
  provider_->ask(by_hand);
  EXPECT_THAT(answers_.next().texts, ElementsAre("wide;", "x;", "y;"));
  EXPECT_EQ(server_->requests().size(), 2U) << "cycling on asks nobody";
}

}  // namespace
}  // namespace strop::agent::test
