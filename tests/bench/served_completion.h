// One completion of strop-trainer serve, as a client sees it come.
//
// Owns the server's process, which ends with it. One thread, which waits. Times are seconds by the
// clock from before the request is sent. Errors are exceptions: a server that does not come up, an
// answer that is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/trainer_setup.h"
#include "support/process.h"

namespace strop::bench {

struct ServedCompletion {
  double first_seconds = 0;  // to the first text
  double seconds = 0;        // to the last
  std::size_t prompt_tokens = 0;
  std::size_t tokens = 0;
  std::string text;
};

class ModelServer {
 public:
  // Serves the setup's model in float32 or bfloat16 with so many threads, and waits until it
  // listens.
  ModelServer(const TrainerSetup& setup, const std::string& precision, int threads);
  ~ModelServer();

  // Streamed and greedy.
  ServedCompletion complete(const std::string& prompt, int most_tokens) const;

 private:
  support::Process process_;
  std::uint16_t port_ = 0;
};

}  // namespace strop::bench
