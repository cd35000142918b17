// An editor's textDocument/inlineCompletion, from the request through gate and model server to the
// answer as LSP 3.18 has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/delivery.h"
#include "agent/interceptor.h"
#include "agent/provider/provider.h"
#include "answers.h"
#include "model_server.h"
#include "user_home.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::IsEmpty;

constexpr Direction kToServer = Direction::kClientToServer;

class InlineCompletionTest : public testing::Test {
 protected:
  void begin(ModelServer::Respond respond) {
    server_.emplace(std::move(respond));
    config_.state = home_.state();
    config_.home = home_.places().home;
    config_.config_home = home_.places().config_home;
    config_.provider.url = server_->url();
    config_.provider.timeout_ms = 20'000;
    delivery_ = make_delivery(config_);
    interceptor_.emplace(InterceptorOptions{}, clock_, nullptr);
    const auto backends = make_backends(config_.provider);
    if (!backends) throw std::runtime_error(backends.error());
    provider_.emplace(
        config_.provider, *backends, [this](InlineAsk& ask) { return delivery_->prepare(ask); },
        [this](const InlineAnswer& answer) { interceptor_->deliver(answer); });
    interceptor_->set_provider(&*provider_);
    interceptor_->set_inject([this](const std::string& frame) {
      to_editor_.push(json::parse(frame.substr(frame.find("\r\n\r\n") + 4)));
      return true;
    });
  }

  Verdict from_editor(json message) {
    message["jsonrpc"] = "2.0";
    return interceptor_->on_message(kToServer, message.dump());
  }
  void open(const std::string& name, const std::string& text) {
    const json document = {
        {"uri", uri_of(name)}, {"languageId", "cpp"}, {"version", 1}, {"text", text}};
    from_editor({{"method", "textDocument/didOpen"}, {"params", {{"textDocument", document}}}});
  }
  Verdict complete(const json& id, const std::string& name, int line, int character) {
    return from_editor({{"id", id},
                        {"method", "textDocument/inlineCompletion"},
                        {"params",
                         {{"textDocument", {{"uri", uri_of(name)}}},
                          {"position", {{"line", line}, {"character", character}}},
                          {"context", {{"triggerKind", 2}}}}}});
  }
  std::string uri_of(const std::string& name) const { return "file://" + (home_ / name).string(); }

  UserHome home_;
  Config config_;
  Clock clock_;
  std::optional<ModelServer> server_;
  std::unique_ptr<Delivery> delivery_;
  Answers<json> to_editor_;
  std::optional<Interceptor> interceptor_;
  std::optional<Provider> provider_;  // ends first: it has the others' addresses
};

ServerReply two(const ServerRequest&) { return {.body = completion_of({"one", "t\"w\"o"})}; }
ServerReply silence(const ServerRequest&) { return {.silent = true}; }
ServerReply fault(const ServerRequest&) { return {.status = 503, .body = "busy"}; }

TEST_F(InlineCompletionTest, IsAListOfItemsAtTheCursor) {
  begin(two);
  open("work/a.cpp", "int f() {\n  return \n}\n");
  EXPECT_EQ(complete(7, "work/a.cpp", 1, 9).fate, Verdict::Fate::kSwallow);
  const json answer = to_editor_.next();
  const json range = {{"start", {{"line", 1}, {"character", 9}}},
                      {"end", {{"line", 1}, {"character", 9}}}};
  EXPECT_EQ(answer, (json{{"jsonrpc", "2.0"},
                          {"id", 7},
                          {"result",
                           {{"items",
                             {{{"insertText", "one"}, {"range", range}},
                              {{"insertText", "t\"w\"o"}, {"range", range}}}}}}}));
  const json asked = server_->requests().at(0).body;
  EXPECT_EQ(asked["prompt"], "int f() {\n  return ");
  EXPECT_EQ(asked["suffix"], "\n}\n");
}

TEST_F(InlineCompletionTest, WithFaultsOfTheModelServerTheListIsEmpty) {
  begin(fault);
  open("work/a.cpp", "x");
  complete(7, "work/a.cpp", 0, 1);
  EXPECT_EQ(to_editor_.next(),
            json::parse(R"({"jsonrpc": "2.0", "id": 7, "result": {"items": []}})"));
  EXPECT_EQ(provider_->counts().failed, 1U);
}

TEST_F(InlineCompletionTest, OfAnExcludedFileNothingIsAsked) {
  config_.privacy.exclude = {"*.secret.cpp"};
  begin(two);
  for (const char* name : {"work/.env", "work/a.secret.cpp"}) {
    open(name, "PASSWORD=");
    complete(7, name, 0, 9);
    EXPECT_THAT(to_editor_.next()["result"]["items"], IsEmpty()) << name;
  }
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(provider_->counts().refused, 2U);
}

TEST_F(InlineCompletionTest, SecretsDoNotGoToTheModelServer) {
  begin(two);
  const std::string secret = std::string("AKIA") + "IOSFODNN7QRSTUVW";
  open("work/a.cpp", "key = \"" + secret + "\"\nx");
  complete(7, "work/a.cpp", 1, 1);
  to_editor_.next();
  EXPECT_EQ(server_->requests().at(0).body.dump().find(secret), std::string::npos);
}

TEST_F(InlineCompletionTest, CancelledItIsTheProtocolsError) {
  begin(silence);
  open("work/a.cpp", "x");
  complete(7, "work/a.cpp", 0, 1);
  ASSERT_TRUE(server_->await_requests(1));
  const Verdict verdict = from_editor({{"method", "$/cancelRequest"}, {"params", {{"id", 7}}}});
  EXPECT_EQ(verdict.fate, Verdict::Fate::kSwallow) << "the server never had the request";
  const json answer = to_editor_.next();
  EXPECT_EQ(answer["id"], 7);
  EXPECT_EQ(answer["error"]["code"], -32800);
  EXPECT_FALSE(answer.contains("result"));
}

TEST_F(InlineCompletionTest, ALaterChangeIsInThePrompt) {
  begin(two);
  open("work/a.cpp", "int a;\n");
  from_editor({{"method", "textDocument/didChange"},
               {"params",
                {{"textDocument", {{"uri", uri_of("work/a.cpp")}, {"version", 2}}},
                 {"contentChanges",
                  {{{"range",
                     {{"start", {{"line", 1}, {"character", 0}}},
                      {"end", {{"line", 1}, {"character", 0}}}}},
                    {"text", "int b"}}}}}}});
  complete(7, "work/a.cpp", 1, 5);
  to_editor_.next();
  EXPECT_EQ(server_->requests().at(0).body["prompt"], "int a;\nint b");
}

}  // namespace
}  // namespace strop::agent::test
