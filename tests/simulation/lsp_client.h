// The wire of the simulated editor: starts a language server as a child and speaks framed JSON-RPC
// with it.
//
// Owns the child and its pipes; one thread. Every wait has a deadline in real milliseconds; past
// it, or when the child ends, a std::runtime_error says what was awaited. Requests from the server
// are answered while an answer is awaited: by `on_request`, or with what an editor without such a
// feature answers.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace strop::simulation {

class LspClient {
 public:
  // `environment` entries ("NAME=value") are added to this process's own.
  LspClient(const std::vector<std::string>& command, const std::vector<std::string>& environment);
  ~LspClient();
  LspClient(const LspClient&) = delete;
  LspClient& operator=(const LspClient&) = delete;

  void notify(const std::string& method, nlohmann::json params);
  nlohmann::json request(const std::string& method, nlohmann::json params,
                         int deadline_ms = 60'000);
  // The same in two steps, for what is sent in between.
  int begin_request(const std::string& method, nlohmann::json params);
  nlohmann::json finish_request(int id, const std::string& method, int deadline_ms = 60'000);

  // Gives the result for a request of the server's; nothing: it is not for this one. May notify.
  using OnRequest = std::function<std::optional<nlohmann::json>(const std::string& method,
                                                                const nlohmann::json&)>;
  void on_request(OnRequest handler) { on_request_ = std::move(handler); }

  // Sends shutdown and exit, closes the pipe and returns the child's exit status.
  int stop();

  std::size_t requests() const { return static_cast<std::size_t>(next_id_); }

 private:
  void send(const nlohmann::json& message);
  nlohmann::json receive(int deadline_ms, const std::string& awaited);
  void answer(const nlohmann::json& request);
  void drain();

  pid_t child_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
  int next_id_ = 0;
  std::string buffer_;
  OnRequest on_request_;
};

}  // namespace strop::simulation
