// Typing through a suggestion of the provider's: the cache answers, and to the tracker it is the
// same suggestion throughout.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <variant>

#include "agent/interceptor.h"
#include "agent/suggestion_tracker.h"
#include "provider_fixture.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;

class TypingThroughTest : public ProviderTest {
 protected:
  TypingThroughTest() {
    serve([](const ServerRequest&) {
      return ServerReply{.body = R"({"model": "tiny", "choices": [{"text": "width * height;",
                                     "logprobs": {"token_logprobs": [-0.5, -1]}}]})"};
    });
    const auto endpoint = parse_endpoint(server_->url(), false);
    interceptor_.set_inject([this](const std::string& frame) {
      to_editor_.push(json::parse(frame.substr(frame.find("\r\n\r\n") + 4)));
      return true;
    });
    provider_.emplace(
        config_, std::vector{Backend{config_, *endpoint, ""}}, [](InlineAsk&) { return true; },
        [this](const InlineAnswer& answer) { interceptor_.deliver(answer); });
    interceptor_.set_provider(&*provider_);
    say({{"id", 0}, {"method", "initialize"}, {"params", json::object()}});
    interceptor_.on_message(
        Direction::kServerToClient,
        R"({"jsonrpc":"2.0","id":0,"result":{"capabilities":{},"serverInfo":{"name":"s"}}})");
    say({{"method", "textDocument/didOpen"},
         {"params",
          {{"textDocument",
            {{"uri", kUri}, {"languageId", "cpp"}, {"version", 1}, {"text", "return "}}}}}});
  }
  ~TypingThroughTest() override { provider_->stop(); }

  void say(json message) {
    message["jsonrpc"] = "2.0";
    interceptor_.on_message(Direction::kClientToServer, message.dump());
    interceptor_.on_forwarded(Direction::kClientToServer);
  }
  void at_ms(int t_ms) { say({{"method", "$/strop/clock"}, {"params", {{"t_ms", t_ms}}}}); }
  void type(const std::string& key) {
    const json cursor = {{"line", 0}, {"character", column_}};
    say({{"method", "textDocument/didChange"},
         {"params",
          {{"textDocument", {{"uri", kUri}, {"version", ++version_}}},
           {"contentChanges",
            {{{"range", {{"start", cursor}, {"end", cursor}}}, {"text", key}}}}}}});
    column_ += static_cast<int>(key.size());
  }
  // The texts that the editor gets.
  std::vector<std::string> complete() {
    say({{"id", ++id_},
         {"method", "textDocument/inlineCompletion"},
         {"params",
          {{"textDocument", {{"uri", kUri}}},
           {"position", {{"line", 0}, {"character", column_}}},
           {"context", {{"triggerKind", 2}}}}}});
    std::vector<std::string> texts;
    const json answer = to_editor_.next();
    for (const json& item : answer.at("result").at("items")) texts.push_back(item.at("insertText"));
    return texts;
  }
  std::vector<schema::Event> events() {
    std::vector<schema::Event> all;
    const auto add = [&all](std::vector<schema::Event> more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    while (auto item = tap_.take(std::chrono::milliseconds(0))) {
      if (item->kind == TapItem::Kind::kProvided)
        tracker_.note_provider(item->request_id, item->note);
      else if (item->kind == TapItem::Kind::kMessage)
        add(tracker_.on_message(item->direction, item->body, item->t_ms));
      else
        add(tracker_.on_time(item->t_ms));
    }
    return all;
  }

  static constexpr const char* kUri = "file:///src/a.cpp";
  Clock clock_{Clock::Kind::kClient};
  Tap tap_;
  Answers<json> to_editor_;
  Interceptor interceptor_{{}, clock_, &tap_};
  SuggestionTracker tracker_;
  int column_ = 7;
  int version_ = 1;
  int id_ = 0;
};

TEST_F(TypingThroughTest, IsOneSuggestionOfOneRequest) {
  at_ms(1000);
  EXPECT_THAT(complete(), ElementsAre("width * height;"));
  const std::string text = "width * height;";
  for (std::size_t typed = 1; typed < text.size(); ++typed) {
    at_ms(1000 + 200 * static_cast<int>(typed));
    type(text.substr(typed - 1, 1));
    EXPECT_THAT(complete(), ElementsAre(text.substr(typed)));
  }
  type(";");
  at_ms(10'000);
  EXPECT_EQ(server_->requests().size(), 1U);
  EXPECT_EQ(provider_->counts().cache_hits, text.size() - 1);
  int offers = 0;
  int outcomes = 0;
  for (const schema::Event& event : events()) {
    if (const auto* offered = std::get_if<schema::Offered>(&event.body)) {
      ++offers;
      EXPECT_EQ(offered->candidates.at(0).logprob, -1.5);
      EXPECT_EQ(offered->model, "tiny");
      EXPECT_EQ(offered->prompt, schema::PromptKind::kExact);
    } else if (const auto* outcome = std::get_if<schema::Outcome>(&event.body)) {
      ++outcomes;
      EXPECT_EQ(outcome->outcome, schema::OutcomeKind::kTypedThrough);
    }
  }
  EXPECT_EQ(offers, 1);
  EXPECT_EQ(outcomes, 1);
}

}  // namespace
}  // namespace strop::agent::test
