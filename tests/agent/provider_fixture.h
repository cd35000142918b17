// A provider between a model server of the test's own and a list of its answers.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/provider/provider.h"
#include "answers.h"
#include "model_server.h"

namespace strop::agent::test {

inline InlineAsk ask_of(const std::string& id, const std::string& prefix = "return ") {
  InlineAsk ask;
  ask.request_id = id;
  ask.uri = "file:///src/a.cpp";
  ask.position = R"({"line":1,"character":7})";
  ask.prefix = prefix;
  ask.offset = prefix.size();
  ask.suffix = "\n}";
  return ask;
}

inline ServerReply silence(const ServerRequest&) { return {.silent = true}; }
inline ServerReply one_and_two(const ServerRequest&) {
  return {.body = completion_of({"one", "two"})};
}

class ProviderTest : public testing::Test {
 protected:
  void serve(ModelServer::Respond respond) { server_.emplace(std::move(respond)); }

  Provider& start(
      const std::string& path = "", const std::string& key = "",
      Provider::Permit permit = [](InlineAsk&) { return true; }) {
    return start_at(server_->url(path), key, std::move(permit));
  }
  Provider& start_at(
      const std::string& url, const std::string& key = "",
      Provider::Permit permit = [](InlineAsk&) { return true; }) {
    const auto endpoint = parse_endpoint(url, false);
    if (!endpoint) throw std::runtime_error(endpoint.error());
    return start_with({Backend{config_, *endpoint, key}}, std::move(permit));
  }
  Provider& start_with(
      std::vector<Backend> backends, Provider::Permit permit = [](InlineAsk&) { return true; }) {
    return provider_.emplace(config_, std::move(backends), std::move(permit),
                             [this](InlineAnswer answer) { answers_.push(std::move(answer)); });
  }

  ProviderConfig config_;
  std::optional<ModelServer> server_;
  Answers<InlineAnswer> answers_;
  std::optional<Provider> provider_;  // ends first: it has the others' addresses
};

}  // namespace strop::agent::test
