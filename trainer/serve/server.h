// A model over HTTP: POST /v1/completions and /infill, GET /v1/models, /health and /metrics.
//
// Owns its sockets and threads: one accepts, one serves each connection (at most kMaxSessions), one
// computes. The model must outlive it. start() returns once it listens; stop() ends what is being
// generated and joins every thread. Beyond loopback a token is demanded, or the word that a proxy
// stands in front. Errors: std::invalid_argument for an address that may not be served,
// std::runtime_error when it cannot be bound; a request's errors are its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "trainer/loaded_model.h"

namespace strop::trainer {

struct ServeOptions {
  std::string bind = "127.0.0.1:8012";  // HOST:PORT; port 0 takes any free one
  std::string token;                    // demanded as "Authorization: Bearer TOKEN"; empty: none
  bool behind_proxy = false;      // beyond loopback without a token: a proxy sees to who may ask
  std::int64_t context = 0;       // tokens of prompt and completion; 0: the model's positions
  std::int64_t cache_mib = 256;   // keys and values kept for prompts that begin alike
  std::int64_t batch_mib = 4096;  // keys and values that what is computed may grow to
  std::size_t max_waiting = 32;   // requests beside those that are computed
};

class Server {
 public:
  static constexpr std::size_t kMaxSessions = 64;

  Server(LoadedModel& model, ServeOptions options);
  ~Server();  // stop()

  void start();
  void stop();
  std::uint16_t port() const;

  // Puts the adapter of this folder in force, or the base alone for none, without a request lost;
  // gives the model's new name. Between start() and stop(), one thread. An error says why the old
  // one stays.
  tl::expected<std::string, std::string> use_adapter(const std::string& folder);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::trainer
