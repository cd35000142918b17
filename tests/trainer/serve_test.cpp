// A model over real HTTP on loopback: what is answered, what is refused, and in which words.
#include "trainer/serve/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "temporary_folder.h"
#include "trainer/model/adapter.h"
#include "trainer/serve/infill_request.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

struct Said {
  unsigned status = 0;
  std::string text;
  json body;
  http::fields fields;
};

class Serve : public testing::Test {
 protected:
  void start(ServeOptions options = {}) {
    use_shard_threads();
    model_.emplace(load_model(kModel, ""));
    options.bind = "127.0.0.1:0";
    server_.emplace(*model_, options);
    server_->start();
  }

  asio::ip::tcp::socket connect() {
    asio::ip::tcp::socket socket(io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }

  static Said read(asio::ip::tcp::socket& socket) {
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    return {response.result_int(), response.body(), json::parse(response.body(), nullptr, false),
            response.base()};
  }

  Said send(http::verb verb, const std::string& target, const std::string& body = "",
            const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    asio::ip::tcp::socket socket = connect();
    http::request<http::string_body> request{verb, target, 11};
    request.set(http::field::host, "localhost");
    for (const auto& [name, value] : headers) request.set(name, value);
    request.body() = body;
    request.prepare_payload();
    http::write(socket, request);
    return read(socket);
  }
  Said post(const json& body) { return send(http::verb::post, "/v1/completions", body.dump()); }
  Said infill(const json& body) { return send(http::verb::post, "/infill", body.dump()); }
  static std::string text_of(const Said& answer) { return answer.body["choices"][0]["text"]; }

  // The data of server-sent events.
  static std::vector<std::string> events_of(const Said& answer) {
    std::vector<std::string> out;
    std::string_view rest = answer.text;
    while (!rest.empty()) {
      const std::size_t end = rest.find("\n\n");
      EXPECT_TRUE(rest.starts_with("data: ") && end != std::string_view::npos) << rest;
      if (end == std::string_view::npos) break;
      out.emplace_back(rest.substr(6, end - 6));
      rest.remove_prefix(end + 2);
    }
    return out;
  }

  std::uint64_t metric(const std::string& name) {
    const std::string text = send(http::verb::get, "/metrics").text;
    const std::string key = "\nstrop_serve_" + name + " ";
    const std::size_t at = text.find(key);
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + key.size()));
  }

  // A folder with an adapter that changes what the model says.
  std::string make_adapter(const std::string& name, std::uint64_t seed, double strength) {
    LoadedModel model = load_model(kModel, "");
    const LoraConfig config{.rank = 4, .alpha = 8};
    add_lora(model.decoder, config, seed);
    const torch::NoGradGuard no_grad;
    for (Linear* linear : model.decoder.linears())
      if (linear->has_adapter()) linear->b().normal_(0, strength);
    save_adapter(model.decoder, config, "strop-tiny", folder_ / name);
    return folder_ / name;
  }

  static constexpr const char* kModel = STROP_SOURCE_DIR "/models/strop-tiny";
  const TemporaryFolder folder_;
  asio::io_context io_;

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
  const Said first = post(ask);
  ASSERT_EQ(first.status, 200U) << first.text;
  const Said again = post(ask);
  EXPECT_EQ(text_of(first), text_of(again));
  EXPECT_GT(again.body["usage"]["prompt_tokens_details"]["cached_tokens"].get<int>(), 0);
  EXPECT_EQ(metric("prefix_cache_hits_total"), 1U);
  EXPECT_EQ(metric("prefix_cache_misses_total"), 1U);
  EXPECT_GT(metric("prefix_cache_bytes"), 0U);
  EXPECT_EQ(first.body["usage"]["completion_tokens"], 8);
}

TEST_F(Serve, StopsBeforeAStopTextAndGivesLogProbs) {
  start();
  const Said answer = post({{"prompt", "import os\nimport sys"},
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
  const Said answer = post({{"prompt", "def add(a, b):\n    return "},
                            {"suffix", "\n\nprint(add(1, 2))\n"},
                            {"n", 3},
                            {"max_tokens", 6}});
  ASSERT_EQ(answer.status, 200U) << answer.text;
  EXPECT_EQ(answer.body["choices"].size(), 3U);
}

TEST_F(Serve, CompletesTheBeginningOfAFile) {
  start();
  for (const char* suffix : {"", "\n", "def f():\n    pass\n"}) {
    const Said answer = post({{"prompt", ""}, {"suffix", suffix}, {"max_tokens", 4}});
    ASSERT_EQ(answer.status, 200U) << answer.text;
    EXPECT_GT(answer.body["usage"]["prompt_tokens"].get<int>(), 0);
  }
}

TEST_F(Serve, APromptLongerThanTheModelLosesItsBeginning) {
  start();
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "x = 1\n";
  const Said answer = post({{"prompt", text}, {"max_tokens", 24}, {"temperature", 0}});
  ASSERT_EQ(answer.status, 200U) << answer.text;
  EXPECT_EQ(answer.body["usage"]["prompt_tokens"].get<std::int64_t>() + 24,
            model_->decoder.config().max_positions);
}

TEST_F(Serve, ClientsAtOnceGetWhatEachWouldAlone) {
  start();
  const std::vector<std::string> prompts = {"def f(", "import os\nimport ", "for i in range(",
                                            "x = "};
  const auto ask = [this](const std::string& prompt) {
    return text_of(post({{"prompt", prompt}, {"max_tokens", 24}, {"temperature", 0}}));
  };
  std::vector<std::string> alone;
  for (const std::string& prompt : prompts) alone.push_back(ask(prompt));
  std::vector<std::string> together(16);
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < together.size(); ++i)
    clients.emplace_back([&, i] { together[i] = ask(prompts[i % prompts.size()]); });
  for (std::thread& client : clients) client.join();
  for (std::size_t i = 0; i < together.size(); ++i)
    EXPECT_EQ(together[i], alone[i % prompts.size()]);
}

TEST_F(Serve, AStreamAddsUpToTheWholeAnswer) {
  start();
  json ask = {{"prompt", "import os\nimport "},
              {"max_tokens", 24},
              {"temperature", 0},
              {"n", 2},
              {"seed", 4},
              {"logprobs", 1},
              {"stop", {"sys\nimp"}}};
  const json whole = post(ask).body;
  ask["stream"] = true;
  ask["stream_options"] = {{"include_usage", true}};
  const Said streamed = post(ask);
  ASSERT_EQ(streamed.status, 200U) << streamed.text;
  EXPECT_EQ(streamed.fields[http::field::content_type], "text/event-stream");
  std::vector<std::string> events = events_of(streamed);
  ASSERT_GT(events.size(), 6U);
  EXPECT_EQ(events.back(), "[DONE]");
  events.pop_back();
  const json last = json::parse(events.back());
  EXPECT_EQ(last["choices"], json::array());
  EXPECT_EQ(last["usage"]["completion_tokens"], whole["usage"]["completion_tokens"]);
  events.pop_back();
  std::vector<std::string> texts(2);
  std::vector<json> reasons(2);
  std::vector<json> tokens(2, json::array());
  std::vector<json> offsets(2, json::array());
  for (const std::string& event : events) {
    const json choice = json::parse(event)["choices"][0];
    const std::size_t index = choice["index"];
    EXPECT_TRUE(reasons[index].is_null()) << "said after the end";
    texts[index] += choice["text"].get<std::string>();
    reasons[index] = choice["finish_reason"];
    for (const json& token : choice["logprobs"]["tokens"]) tokens[index].push_back(token);
    for (const json& at : choice["logprobs"]["text_offset"]) offsets[index].push_back(at);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(texts[i], whole["choices"][i]["text"]);
    EXPECT_EQ(reasons[i], whole["choices"][i]["finish_reason"]);
    EXPECT_EQ(tokens[i], whole["choices"][i]["logprobs"]["tokens"]);
    EXPECT_EQ(offsets[i], whole["choices"][i]["logprobs"]["text_offset"]);
  }
}

TEST_F(Serve, WhoHangsUpIsComputedForNoLonger) {
  start();
  const json ask = {{"prompt", "import os\n"}, {"max_tokens", 200}, {"n", 16}, {"stream", true}};
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  // A try that was computed before the end of the connection was seen does not count.
  while (metric("cancelled_total") == 0 && std::chrono::steady_clock::now() < until) {
    asio::ip::tcp::socket socket = connect();
    http::request<http::string_body> request{http::verb::post, "/v1/completions", 11};
    request.set(http::field::host, "localhost");
    request.body() = ask.dump();
    request.prepare_payload();
    http::write(socket, request);
    char first = 0;
    asio::read(socket, asio::buffer(&first, 1));
    socket.close();
    while (metric("sequences") > 0 && std::chrono::steady_clock::now() < until) continue;
  }
  EXPECT_GT(metric("cancelled_total"), 0U);
  EXPECT_EQ(metric("sequences"), 0U);
}

TEST_F(Serve, FillsAGapAsLlamaCppDoes) {
  start();
  json ask = {{"input_prefix", "def add(a, b):\n    ret"},
              {"prompt", "urn "},
              {"input_suffix", "\n\nprint(add(1, 2))\n"},
              {"n_predict", 8},
              {"temperature", 0},
              {"n_probs", 1},
              {"cache_prompt", true},
              {"id_slot", 0}};
  const Said got = infill(ask);
  ASSERT_EQ(got.status, 200U) << got.text;
  const Said same = post({{"prompt", "def add(a, b):\n    return "},
                          {"suffix", "\n\nprint(add(1, 2))\n"},
                          {"max_tokens", 8},
                          {"temperature", 0}});
  EXPECT_EQ(got.body["content"], text_of(same));
  EXPECT_EQ(got.body["stop"], true);
  EXPECT_EQ(got.body["model"], "strop-tiny");
  EXPECT_EQ(got.body["tokens_evaluated"], same.body["usage"]["prompt_tokens"]);
  EXPECT_EQ(got.body["tokens_predicted"], same.body["usage"]["completion_tokens"]);
  EXPECT_EQ(got.body["completion_probabilities"].size(), got.body["tokens"].size());
  EXPECT_LE(got.body["completion_probabilities"][0]["logprob"].get<double>(), 0);

  ask["stream"] = true;
  const std::vector<std::string> events = events_of(infill(ask));
  std::string text;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const json event = json::parse(events[i]);
    text += event["content"].get<std::string>();
    EXPECT_EQ(event["stop"], i + 1 == events.size());
  }
  EXPECT_EQ(text, got.body["content"]);

  ask["stream"] = false;
  ask["input_extra"] = {{{"filename", "other.py"}, {"text", "def sub(a, b):\n    return a - b\n"}}};
  EXPECT_GT(infill(ask).body["tokens_evaluated"], got.body["tokens_evaluated"]);
  ask["n_cmpl"] = 3;
  EXPECT_EQ(infill(ask).body.size(), 3U);
}

TEST_F(Serve, InfillReadsAPromptAheadAndSaysWhyItStopped) {
  start();
  const json gap = {
      {"input_prefix", "import os\nimport sys"}, {"input_suffix", ""}, {"temperature", 0}};
  const auto with = [&](json more) {
    more.update(gap);
    return infill(more).body;
  };
  const json ahead = with({{"n_predict", 0}});
  EXPECT_EQ(ahead["content"], "");
  const json limit = with({{"n_predict", 3}});
  EXPECT_GT(limit["tokens_cached"], 0);
  EXPECT_EQ(limit["stop_type"], "limit");
  EXPECT_EQ(limit["tokens_predicted"], 3);
  const json word = with({{"n_predict", 24}, {"stop", {"\n"}}});
  EXPECT_EQ(word["stop_type"], "word");
  EXPECT_EQ(word["stopping_word"], "\n");
  CompletionPiece ended;
  ended.finish = Finish::kStop;
  EXPECT_EQ(infill_response(0, ended, {}, model_->tokenizer, "", {})["stop_type"], "eos");
}

TEST_F(Serve, InfillEndsInTimeOnceItHasALine) {
  start();
  json ask = {{"input_prefix", "import os\nimport "},
              {"input_suffix", ""},
              {"n_predict", 200},
              {"temperature", 0},
              {"samplers", {"top_k", "top_p"}},
              {"n_indent", 4}};
  const json whole = infill(ask).body;
  ask["t_max_predict_ms"] = 1;
  const json early = infill(ask).body;
  const std::string text = early["content"];
  EXPECT_EQ(early["stop_type"], "limit");
  EXPECT_THAT(text, HasSubstr("\n"));
  EXPECT_LT(early["tokens_predicted"], whole["tokens_predicted"]);
  EXPECT_THAT(whole["content"].get<std::string>(), StartsWith(text));
  ask["t_max_predict_ms"] = -1;  // llama.cpp's word for no bound
  EXPECT_EQ(infill(ask).body["content"], whole["content"]);
  ask["t_max_predict_ms"] = "soon";
  EXPECT_THAT(infill(ask).text, HasSubstr("'t_max_predict_ms' must be a whole number"));
}

TEST_F(Serve, AnAdapterIsChangedUnderLoadAndNoRequestIsLost) {
  start();
  const std::vector<std::string> folders = {make_adapter("first", 1, 0.2),
                                            make_adapter("second", 2, 0.2), ""};
  const json ask = {{"prompt", "import os\nimport "}, {"max_tokens", 16}, {"temperature", 0}};
  std::map<std::string, std::string> said;  // by the model's name
  for (const std::string& folder : folders) {
    const auto name = server_->use_adapter(folder);
    ASSERT_TRUE(name) << name.error();
    said[*name] = text_of(post(ask));
  }
  ASSERT_EQ(said.size(), 3U);
  EXPECT_NE(said["strop-tiny+first"], said["strop-tiny"]);
  EXPECT_NE(said["strop-tiny+first"], said["strop-tiny+second"]);

  std::atomic<bool> stop{false};
  std::atomic<int> right{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      while (!stop) {
        const Said answer = post(ask);
        const bool good = answer.status == 200 &&
                          text_of(answer) == said.at(answer.body["model"].get<std::string>());
        ++(good ? right : wrong);
      }
    });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (std::size_t i = 0; i < 12; ++i) {
    const int before = right;
    EXPECT_TRUE(server_->use_adapter(folders[i % folders.size()]));
    while (right + wrong < before + 6 && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 40);
}

TEST_F(Serve, ABrokenAdapterLeavesTheOldOneInForce) {
  start();
  ASSERT_TRUE(server_->use_adapter(make_adapter("good", 1, 0.2)));
  const auto missing = server_->use_adapter(folder_ / "nowhere");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error(), HasSubstr("there is no adapter_config.json"));
  const auto damaged = server_->use_adapter(make_adapter("damaged", 2, 1e36));
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error(), HasSubstr("no finite probability"));
  EXPECT_EQ(post({{"prompt", "x"}, {"max_tokens", 2}}).body["model"], "strop-tiny+good");
}

TEST_F(Serve, ErrorsHaveOpenAisShape) {
  ServeOptions options;
  options.max_waiting = 0;
  start(options);
  const auto expect_error = [](const Said& answer, unsigned status, const json& type,
                               const json& param, const json& code) {
    EXPECT_EQ(answer.status, status) << answer.text;
    const json& error = answer.body["error"];
    EXPECT_TRUE(error["message"].is_string());
    EXPECT_EQ(error["type"], type);
    EXPECT_EQ(error["param"], param);
    EXPECT_EQ(error["code"], code);
  };
  const char* invalid = "invalid_request_error";
  expect_error(post({{"prompt", "a"}, {"n", 0}}), 400, invalid, "n", nullptr);
  expect_error(post({{"prompt", "a"}, {"model", "b"}}), 404, invalid, "model", "model_not_found");
  expect_error(send(http::verb::get, "/v1/chat"), 404, invalid, nullptr, "unknown_url");
  const Said get = send(http::verb::get, "/infill");
  expect_error(get, 405, invalid, nullptr, "method_not_supported");
  EXPECT_EQ(get.fields[http::field::allow], "POST");
  expect_error(send(http::verb::post, "/infill", std::string(5 << 20, 'x')), 413, invalid, nullptr,
               nullptr);
  expect_error(send(http::verb::get, "/health", "", {{"X-Long", std::string(20 << 10, 'x')}}), 431,
               invalid, nullptr, nullptr);
  const Said full = post({{"prompt", "a"}});
  expect_error(full, 429, "requests", nullptr, "rate_limit_exceeded");
  EXPECT_EQ(full.fields[http::field::retry_after], "1");
  asio::ip::tcp::socket socket = connect();
  asio::write(socket, asio::buffer(std::string("this is not HTTP\r\n\r\n")));
  expect_error(read(socket), 400, invalid, nullptr, nullptr);
}

TEST_F(Serve, DamagedWeightsAreTheServersError) {
  start();
  model_->decoder.tensors().at("model.norm.weight").fill_(std::nanf(""));
  for (const bool stream : {false, true}) {
    const Said answer = post({{"prompt", "a"}, {"stream", stream}});
    EXPECT_EQ(answer.status, 500U);
    EXPECT_EQ(answer.body["error"]["type"], "server_error");
  }
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
      {{{"prompt", "a"}, {"stream", 1}}, "'stream' must be true or false"},
      {{{"prompt", "a"}, {"best_of", 2}}, "'best_of' is not supported"},
      {{{"prompt", "a"}, {"stream_options", json::object()}}, "'stream_options' must be"},
      {{{"prompt", "a"}, {"echo", true}}, "'echo' is not supported"},
      {{{"prompt", "a"}, {"colour", "red"}}, "unknown field 'colour'"}};
  for (const auto& [body, says] : kBad) {
    const Said answer = post(body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_THAT(answer.body["error"]["message"].get<std::string>(), HasSubstr(says));
  }
  const std::pair<json, const char*> kBadGaps[] = {
      {{{"input_prefix", "a"}}, "'input_suffix' must be a text"},
      {{{"input_prefix", "a"}, {"input_suffix", ""}, {"n_predict", -2}}, "'n_predict' must be"},
      {{{"input_prefix", "a"}, {"input_suffix", ""}, {"input_extra", {1}}}, "'input_extra' must"},
      {{{"input_prefix", "a"}, {"input_suffix", ""}, {"grammar", "x"}}, "unknown field 'grammar'"}};
  for (const auto& [body, says] : kBadGaps) {
    const Said answer = infill(body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_THAT(answer.body["error"]["message"].get<std::string>(), HasSubstr(says));
  }
  EXPECT_EQ(send(http::verb::post, "/v1/completions", "{").status, 400U);
  EXPECT_EQ(post({{"prompt", "a"}, {"model", "another"}}).status, 404U);
  EXPECT_EQ(send(http::verb::get, "/v1/chat").status, 404U);
  EXPECT_EQ(send(http::verb::get, "/v1/completions").status, 405U);
}

TEST_F(Serve, WhatTakesMoreMemoryThanThereIsIsRefusedAndSaysWhatToDo) {
  ServeOptions options;
  options.batch_mib = 1;
  start(options);
  const json one = {{"prompt", "x = "}, {"max_tokens", 2}};
  EXPECT_EQ(post(one).status, 200U);
  json many = one;
  many["n"] = 16;
  const Said refused = post(many);
  EXPECT_EQ(refused.status, 400U);
  EXPECT_THAT(refused.text, HasSubstr("ask for fewer completions"));
  EXPECT_THAT(refused.text, HasSubstr("the server has 1:"));
  EXPECT_THAT(refused.text, HasSubstr("--batch-mib"));
}

TEST_F(Serve, WhatNestsWithoutEndIsRefusedAndTheServerLives) {
  start();
  for (const std::size_t depth : {20UL, 100'000UL, 1'000'000UL})
    for (const char* field : {"stop", "prompt", "logit_bias", "stream_options", "unknown"}) {
      const std::string nest = std::string(depth, '[') + std::string(depth, ']');
      const Said answer = send(http::verb::post, "/v1/completions",
                               R"({"prompt": "a", ")" + std::string(field) + "\": " + nest + "}");
      EXPECT_EQ(answer.status, 400U);
      EXPECT_THAT(answer.text, HasSubstr("nests deeper")) << field;
    }
  for (const char* body : {R"({"prompt": "a", "stop": [["b"]]})", R"({"prompt": "a", "stop": {}})"})
    EXPECT_THAT(send(http::verb::post, "/v1/completions", body).text, HasSubstr("'stop' must be"));
  EXPECT_EQ(post({{"prompt", "a"}, {"stop", {"b", "c"}}, {"max_tokens", 1}}).status, 200U);
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
