// A model server in the test's own process: real HTTP on a port of loopback, answers as told.
//
// Owns a thread, which ends with it. `respond` is called there, for one request at a time; what was
// received may be asked for from any thread. await_…() wait with a deadline and say whether it came
// about.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace strop::agent::test {

inline constexpr std::chrono::seconds kPatience{20};

struct ServerReply {
  enum class Then { kKeepAlive, kSayClose, kHangUp };
  unsigned status = 200;
  std::string body;
  Then then = Then::kKeepAlive;
  bool silent = false;  // no answer at all: until the client goes, or with kHangUp at once
};

struct ServerRequest {
  std::string method;
  std::string target;
  std::string host;
  std::string authorization;
  nlohmann::json body;
};

class ModelServer {
 public:
  using Respond = std::function<ServerReply(const ServerRequest&)>;

  explicit ModelServer(Respond respond);
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;
  ~ModelServer();

  std::string port() const;
  std::string url(const std::string& path = "") const;

  std::vector<ServerRequest> requests() const;
  std::size_t connections() const;
  bool await_requests(std::size_t count) const;
  // Connections that the client has left, or was thrown out of.
  bool await_ended(std::size_t count) const;

 private:
  class Connections;
  const std::unique_ptr<Connections> connections_;
};

// A completion as OpenAI's API has it.
std::string completion_of(const std::vector<std::string>& texts, const std::string& model = "tiny");

}  // namespace strop::agent::test
