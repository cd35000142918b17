// A model over real HTTP on loopback: what is answered, what is refused, and in which words.
#include "trainer/serve/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "trainer/threads.h"

namespace strop::trainer {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using nlohmann::json;
using testing::HasSubstr;

struct Answer {
  unsigned status = 0;
  std::string text;
  json body;
};

class Serve : public testing::Test {
 protected:
  void start(ServeOptions options = {}) {
    use_shard_threads();
    model_.emplace(load_model(std::string(STROP_SOURCE_DIR) + "/models/strop-tiny", ""));
    options.bind = "127.0.0.1:0";
    server_.emplace(*model_, options);
    server_->start();
  }

  Answer send(http::verb verb, const std::string& target, const std::string& body = "",
              const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    http::request<http::string_body> request{verb, target, 11};
    request.set(http::field::host, "localhost");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.body() = body;
    request.prepare_payload();
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    return {response.result_int(), response.body(), json::parse(response.body(), nullptr, false)};
  }
  Answer post(const json& body) { return send(http::verb::post, "/v1/completions", body.dump()); }
  static std::string text_of(const Answer& answer) { return answer.body["choices"][0]["text"]; }

  std::optional<LoadedModel> model_;
  std::optional<Server> server_;
};

TEST_F(Serve, TellsItsHealthAndItsModel) {
  start();
  EXPECT_EQ(send(http::verb::get, "/health").body, json::parse(R"({"status": "ok"})"));
  EXPECT_EQ(send(http::verb::get, "/v1/models").body["data"][0]["id"], "strop-tiny");
}

TEST_F(Serve, CompletesTheSameEachTimeWithAndWithoutWhatItRemembers) {
  start();
  const json ask = {{"prompt", "import os\n\ndef read(path):\n    with open("},
                    {"max_tokens", 8},
                    {"temperature", 0}};
  const Answer first = post(ask);
  ASSERT_EQ(first.status, 200U) << first.text;
  const Answer again = post(ask);
  EXPECT_EQ(text_of(first), text_of(again));
  EXPECT_GT(again.body["usage"]["prompt_tokens_details"]["cached_tokens"].get<int>(), 0);
  EXPECT_EQ(first.body["usage"]["completion_tokens"], 8);
}

TEST_F(Serve, StopsBeforeAStopTextAndGivesLogProbs) {
  start();
  const Answer answer = post({{"prompt", "import os\nimport sys"},
                              {"max_tokens", 24},
                              {"temperature", 0},
                              {"stop", "\n"},
                              {"logprobs", 1}});
  ASSERT_EQ(answer.status, 200U) << answer.text;
  EXPECT_EQ(text_of(answer).find('\n'), std::string::npos);
  EXPECT_TRUE(answer.body["choices"][0]["logprobs"]["token_logprobs"].is_array());
}

TEST_F(Serve, TakesASuffixAndSeveralCandidates) {
  start();
  const Answer answer = post({{"prompt", "def add(a, b):\n    return "},
                              {"suffix", "\n\nprint(add(1, 2))\n"},
                              {"n", 3},
                              {"max_tokens", 6}});
  ASSERT_EQ(answer.status, 200U) << answer.text;
  EXPECT_EQ(answer.body["choices"].size(), 3U);
}

TEST_F(Serve, CompletesTheBeginningOfAFile) {
  start();
  for (const char* suffix : {"", "\n", "def f():\n    pass\n"}) {
    const Answer answer = post({{"prompt", ""}, {"suffix", suffix}, {"max_tokens", 4}});
    ASSERT_EQ(answer.status, 200U) << answer.text;
    EXPECT_GT(answer.body["usage"]["prompt_tokens"].get<int>(), 0);
  }
}

TEST_F(Serve, APromptLongerThanTheModelLosesItsBeginning) {
  start();
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "x = 1\n";
  const Answer answer = post({{"prompt", text}, {"max_tokens", 24}, {"temperature", 0}});
  ASSERT_EQ(answer.status, 200U) << answer.text;
  EXPECT_EQ(answer.body["usage"]["prompt_tokens"].get<std::int64_t>() + 24,
            model_->decoder.config().max_positions);
}

TEST_F(Serve, AnswersSeveralClientsAtOnce) {
  start();
  std::vector<std::thread> clients;
  std::vector<unsigned> status(8);
  for (unsigned& one : status)
    clients.emplace_back([this, &one] {
      one = post({{"prompt", "def f("}, {"max_tokens", 12}, {"temperature", 0}}).status;
    });
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(status, testing::Each(200U));
}

TEST_F(Serve, RefusesWhatItWouldOtherwiseIgnore) {
  start();
  const std::pair<json, const char*> kBad[] = {
      {json::object(), "'prompt' must be one text"},
      {{{"prompt", 3}}, "'prompt' must be one text"},
      {{{"prompt", {"a", "b"}}}, "'prompt' must be one text"},
      {{{"prompt", "a"}, {"max_tokens", 0}}, "'max_tokens' must be a whole number from 1"},
      {{{"prompt", "a"}, {"temperature", -1}}, "'temperature' must be a number from"},
      {{{"prompt", "a"}, {"top_p", 2}}, "'top_p' must be"},
      {{{"prompt", "a"}, {"n", 100}}, "'n' must be"},
      {{{"prompt", "a"}, {"stop", 3}}, "'stop' must be"},
      {{{"prompt", "a"}, {"suffix", 3}}, "'suffix' must be a text"},
      {{{"prompt", "a"}, {"stream", true}}, "'stream' is not supported"},
      {{{"prompt", "a"}, {"echo", true}}, "'echo' is not supported"},
      {{{"prompt", "a"}, {"colour", "red"}}, "unknown field 'colour'"}};
  for (const auto& [body, says] : kBad) {
    const Answer answer = post(body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_THAT(answer.body["error"]["message"].get<std::string>(), HasSubstr(says));
  }
  EXPECT_EQ(send(http::verb::post, "/v1/completions", "{").status, 400U);
  EXPECT_EQ(post({{"prompt", "a"}, {"model", "another"}}).status, 404U);
  EXPECT_EQ(send(http::verb::get, "/v1/chat").status, 404U);
  EXPECT_EQ(send(http::verb::get, "/v1/completions").status, 405U);
}

TEST_F(Serve, PagesOfABrowserAndOtherNamesAreShutOut) {
  start();
  EXPECT_EQ(send(http::verb::get, "/health", "", {{"Host", "evil.example"}}).status, 403U);
  EXPECT_EQ(send(http::verb::get, "/health", "", {{"Origin", "http://evil.example"}}).status, 403U);
}

TEST_F(Serve, WithATokenItIsAskedFor) {
  ServeOptions options;
  options.token = "open sesame";
  start(options);
  EXPECT_EQ(send(http::verb::get, "/health").status, 401U);
  EXPECT_EQ(send(http::verb::get, "/health", "", {{"Authorization", "Bearer open"}}).status, 401U);
  EXPECT_EQ(send(http::verb::get, "/health", "", {{"Authorization", "Bearer open sesame"}}).status,
            200U);
}

TEST_F(Serve, BeyondThisMachineATokenIsDemanded) {
  start();
  ServeOptions options;
  options.bind = "0.0.0.0:0";
  Server open(*model_, options);
  EXPECT_THROW(open.start(), std::invalid_argument);
  options.bind = "nowhere";
  Server nowhere(*model_, options);
  EXPECT_THROW(nowhere.start(), std::invalid_argument);
}

}  // namespace
}  // namespace strop::trainer
