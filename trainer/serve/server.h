// A model over HTTP: POST /v1/completions, GET /v1/models, GET /health.
//
// Owns its sockets and threads: one accepts, one serves each connection (at most kMaxSessions), and
// one generation runs at a time, in order. The model must outlive it. start() returns once it
// listens; stop() ends what is being generated and joins every thread. Beyond loopback a token is
// demanded, or the word that a proxy stands in front. Errors: std::invalid_argument for an address
// that may not be served, std::runtime_error when it cannot be bound; a request's errors are its
// answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "trainer/loaded_model.h"

namespace strop::trainer {

struct ServeOptions {
  std::string bind = "127.0.0.1:8012";  // HOST:PORT; port 0 takes any free one
  std::string token;                    // demanded as "Authorization: Bearer TOKEN"; empty: none
  bool behind_proxy = false;  // beyond loopback without a token: a proxy sees to who may ask
  std::int64_t context = 0;   // tokens of prompt and completion; 0: the model's positions
};

class Server {
 public:
  static constexpr std::size_t kMaxSessions = 64;
  static constexpr std::size_t kMaxWaiting = 32;

  Server(LoadedModel& model, ServeOptions options);
  ~Server();  // stop()

  void start();
  void stop();
  std::uint16_t port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::trainer
