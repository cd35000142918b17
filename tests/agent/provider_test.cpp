// The provider against a real HTTP server: answers, faults of every kind, cancelling, crowds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(ProviderTest, AnswersWithWhatTheServerSays) {
  serve(one_and_two);
  start().ask(ask_of("7"));
  const InlineAnswer answer = answers_.next();
  EXPECT_EQ(answer.request_id, "7");
  EXPECT_EQ(answer.position, R"({"line":1,"character":7})");
  EXPECT_FALSE(answer.cancelled);
  EXPECT_THAT(answer.texts, ElementsAre("one", "two"));
  EXPECT_EQ(answer.note.model, "tiny");
  EXPECT_EQ(answer.note.server, "strop");
  EXPECT_EQ(answer.note.prompt_hash, prompt_hash(ask_of("7")));
  EXPECT_GT(answer.note.latency_ms.value(), 0);
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 1, .answered = 1}));
}

TEST_F(ProviderTest, AsksForWhatSurroundsTheCursor) {
  serve(one_and_two);
  config_.max_tokens = 5;
  start().ask(ask_of("1"));
  answers_.next();
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/v1/completions");
  EXPECT_EQ(requests[0].host, "127.0.0.1:" + server_->port());
  EXPECT_EQ(requests[0].authorization, "");
  EXPECT_EQ(requests[0].body["prompt"], "return ");
  EXPECT_EQ(requests[0].body["suffix"], "\n}");
  EXPECT_EQ(requests[0].body["max_tokens"], 5);
}

TEST_F(ProviderTest, AKeyGoesAlongAsBearer) {
  serve(one_and_two);
  start("", "sesame").ask(ask_of("1"));
  answers_.next();
  EXPECT_EQ(server_->requests().at(0).authorization, "Bearer sesame");
}

TEST_F(ProviderTest, SpeaksInfillToo) {
  serve([](const ServerRequest&) { return ServerReply{.body = R"({"content": "one"})"}; });
  start("/infill").ask(ask_of("1"));
  EXPECT_THAT(answers_.next().texts, ElementsAre("one"));
  EXPECT_EQ(server_->requests().at(0).target, "/infill");
}

TEST_F(ProviderTest, AModelWithNothingToSayIsCounted) {
  serve([](const ServerRequest&) { return ServerReply{.body = completion_of({"  "})}; });
  start().ask(ask_of("1"));
  EXPECT_THAT(answers_.next().texts, IsEmpty());
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 1, .empty = 1}));
}

struct Fault {
  const char* name;
  ServerReply reply;
};

class ProviderFault : public ProviderTest, public testing::WithParamInterface<Fault> {};

TEST_P(ProviderFault, IsAnEmptyAnswerAndTheNextOneIsWell) {
  serve([first = true](const ServerRequest& request) mutable {
    return std::exchange(first, false) ? GetParam().reply : one_and_two(request);
  });
  config_.timeout_ms = GetParam().reply.silent ? 100 : 20'000;
  start().ask(ask_of("1"));
  const InlineAnswer answer = answers_.next();
  EXPECT_EQ(answer.request_id, "1");
  EXPECT_FALSE(answer.cancelled);
  EXPECT_THAT(answer.texts, IsEmpty());
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 1, .failed = 1}));
  // A time so short may pass for the good answer too, on a machine that is busy.
  if (GetParam().reply.silent) return;
  provider_->ask(ask_of("2"));
  EXPECT_THAT(answers_.next().texts, ElementsAre("one", "two"));
}

using Then = ServerReply::Then;

INSTANTIATE_TEST_SUITE_P(
    All, ProviderFault,
    testing::Values(Fault{"ServerError", {.status = 500, .body = "{}"}},
                    Fault{"NotFound", {.status = 404, .body = completion_of({"one"})}},
                    Fault{"Redirect", {.status = 302, .body = completion_of({"one"})}},
                    Fault{"Garbage", {.body = "<html>"}}, Fault{"NoBody", {}},
                    Fault{"AnotherObject", {.body = R"({"error": "overloaded"})"}},
                    Fault{"TooLarge", {.body = std::string(5 << 20, ' ') + completion_of({"a"})}},
                    Fault{"HangsUp", {.then = Then::kHangUp, .silent = true}},
                    Fault{"NoAnswerInTime", {.silent = true}}),
    [](const auto& test) { return test.param.name; });

TEST_F(ProviderTest, NobodyAtTheAddressIsAnEmptyAnswer) {
  serve(silence);
  const std::string url = server_->url();
  server_.reset();
  start_at(url).ask(ask_of("1"));
  EXPECT_THAT(answers_.next().texts, IsEmpty());
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 1, .failed = 1}));
}

TEST_F(ProviderTest, AfterAFaultTheNextIsServed) {
  serve(one_and_two);
  const auto endpoint = parse_endpoint(server_->url(), false);
  ASSERT_TRUE(endpoint);
  provider_.emplace(
      config_, std::vector{Backend{config_, *endpoint, ""}}, [](InlineAsk&) { return true; },
      [this](InlineAnswer answer) {
        if (answer.request_id == "1") throw std::runtime_error("no editor");
        answers_.push(std::move(answer));
      });
  provider_->ask(ask_of("1"));
  provider_->ask(ask_of("2"));
  EXPECT_THAT(answers_.next().texts, Not(IsEmpty()));
}

TEST_F(ProviderTest, NothingLeavesThatIsNotPermitted) {
  serve(one_and_two);
  start("", "", [](InlineAsk& ask) {
    if (ask.request_id == "2") throw std::runtime_error("the gate is broken");
    ask.prefix = "scrubbed";
    return ask.request_id == "3";
  });
  for (const char* id : {"1", "2"}) {
    provider_->ask(ask_of(id));
    EXPECT_THAT(answers_.next().texts, IsEmpty()) << id;
  }
  EXPECT_EQ(server_->connections(), 0U);
  provider_->ask(ask_of("3"));
  const InlineAnswer answer = answers_.next();
  EXPECT_EQ(server_->requests().at(0).body["prompt"], "scrubbed");
  EXPECT_EQ(answer.note.prompt_hash, prompt_hash(ask_of("3", "scrubbed")));
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 3, .answered = 1, .refused = 2}));
}

TEST_F(ProviderTest, CancellingEndsTheRequestAtTheServerToo) {
  serve(silence);
  config_.timeout_ms = 120'000;
  start().ask(ask_of("1"));
  ASSERT_TRUE(server_->await_requests(1));
  EXPECT_TRUE(provider_->cancel("1"));
  const InlineAnswer answer = answers_.next();
  EXPECT_TRUE(answer.cancelled);
  EXPECT_EQ(answer.request_id, "1");
  EXPECT_THAT(answer.texts, IsEmpty());
  EXPECT_TRUE(server_->await_ended(1));
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 1, .cancelled = 1}));
  EXPECT_FALSE(provider_->cancel("1")) << "it is over";
  EXPECT_TRUE(answers_.empty());
}

TEST_F(ProviderTest, OnlyItsOwnIdCancels) {
  serve(silence);
  start().ask(ask_of("\"1\""));
  for (const char* other : {"1", "2", "null", "\"2\"", "garbage"})
    EXPECT_FALSE(provider_->cancel(other)) << other;
  EXPECT_TRUE(provider_->cancel(" \"1\"")) << "a string";
}

TEST_F(ProviderTest, WhatWaitsAndIsCancelledIsNeverSent) {
  serve([](const ServerRequest& request) {
    return request.body["prompt"] == "first" ? silence(request) : one_and_two(request);
  });
  config_.timeout_ms = 120'000;
  start().ask(ask_of("1", "first"));
  ASSERT_TRUE(server_->await_requests(1));
  provider_->ask(ask_of("2", "second"));
  provider_->ask(ask_of("3", "third"));
  EXPECT_TRUE(provider_->cancel("2"));
  EXPECT_TRUE(provider_->cancel("1"));
  EXPECT_EQ(answers_.next().request_id, "2");
  EXPECT_EQ(answers_.next().request_id, "1");
  EXPECT_THAT(answers_.next().texts, ElementsAre("one", "two"));
  EXPECT_EQ(server_->requests().back().body["prompt"], "third");
  EXPECT_EQ(server_->requests().size(), 2U);
}

TEST_F(ProviderTest, OfTooManyTheOldestGetsAnEmptyAnswer) {
  serve(silence);
  config_.timeout_ms = 120'000;
  start().ask(ask_of("0"));
  ASSERT_TRUE(server_->await_requests(1));
  for (std::size_t i = 1; i <= Provider::kMaxWaiting; ++i)
    provider_->ask(ask_of(std::to_string(i)));
  EXPECT_TRUE(answers_.empty());
  provider_->ask(ask_of("100"));
  const InlineAnswer answer = answers_.next();
  EXPECT_EQ(answer.request_id, "1");
  EXPECT_FALSE(answer.cancelled);
  EXPECT_THAT(answer.texts, IsEmpty());
  EXPECT_EQ(provider_->counts().superseded, 1U);
}

TEST_F(ProviderTest, OneThatIsSupersededWhileItWaitsForAPauseIsNotAsked) {
  serve(one_and_two);
  config_.debounce_ms = 120'000;
  start().ask(ask_of("1"));
  provider_->ask(ask_of("2"));
  EXPECT_EQ(answers_.next().request_id, "1");
  EXPECT_TRUE(provider_->cancel("2")) << "the pause is cut short";
  EXPECT_TRUE(answers_.next().cancelled);
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(provider_->counts(), (ProviderCounts{.asked = 2, .cancelled = 1, .superseded = 1}));
}

TEST_F(ProviderTest, EndsAtOnceWhateverIsUnderWay) {
  serve(silence);
  config_.timeout_ms = 120'000;
  start().ask(ask_of("1"));
  ASSERT_TRUE(server_->await_requests(1));
  provider_->ask(ask_of("2"));
  const auto began = std::chrono::steady_clock::now();
  provider_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_TRUE(answers_.empty()) << "no answers after stop()";
}

}  // namespace
}  // namespace strop::agent::test
