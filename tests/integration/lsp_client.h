// A small language client for tests: says things, and has the answers of whoever is at the other
// end.
//
// The descriptors are the caller's. One thread. What the server asks is answered: its configuration
// with nothing, all else with null. Errors: exceptions, silence among them.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "integration/duplex.h"

namespace strop::support {

class LspClient {
 public:
  using json = nlohmann::json;

  LspClient(int in, int out)
      : wire_(in, out, [this](std::string_view bytes) { unread_ += bytes; }) {}

  void notify(const std::string& method, json params) {
    say({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
  }
  // The whole answer.
  json ask(const std::string& method, json params) {
    const int id = ++last_id_;
    say({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
    while (true) {
      while (auto message = next()) {
        if (message->contains("method"))
          answer(*message);
        else if ((*message)["id"] == id)
          return std::move(*message);
      }
      if (!wire_.read_some()) throw std::runtime_error("the server ended before it answered");
    }
  }
  void say_bytes(const std::string& bytes) {
    if (!wire_.send(bytes)) throw std::runtime_error("the server takes no more");
  }
  void read_to_end() { wire_.read_to_end(); }
  int last_id() const { return last_id_; }

  static std::string framed_json(const json& message) {
    const std::string body = message.dump();
    return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

 private:
  void say(const json& message) { say_bytes(framed_json(message)); }

  void answer(const json& message) {
    if (!message.contains("id")) return;
    json result;
    if (message["method"] == "workspace/configuration")
      result = json(message["params"]["items"].size(), json());
    say({{"jsonrpc", "2.0"}, {"id", message["id"]}, {"result", result}});
  }

  std::optional<json> next() {
    const std::size_t blank = unread_.find("\r\n\r\n");
    if (blank == std::string::npos) return std::nullopt;
    const std::size_t length = std::stoul(unread_.substr(unread_.find("Length: ") + 8, 12));
    if (unread_.size() < blank + 4 + length) return std::nullopt;
    json message = json::parse(unread_.substr(blank + 4, length));
    unread_.erase(0, blank + 4 + length);
    return message;
  }

  Duplex wire_;
  std::string unread_;
  int last_id_ = 0;
};

}  // namespace strop::support
