// An agent's spool under steady load, told to nobody but stdout.
//
//   strop-synced-writer STATE [ENDPOINT]    with ENDPOINT it ships as well
// Captures made_event(power-N), N rising, a few at a time, and writes `EPOCH SEQ NAME` of each once
// Spool::sync() has said that it is safe from a power cut. Until it is killed; exit code 1: no
// spool, or the disk refused.
#include <unistd.h>

#include <iostream>
#include <optional>
#include <random>
#include <string>

#include "agent/spool.h"
#include "agent/uplink.h"
#include "faults/made_event.h"

namespace {

using namespace strop;

// Segments are left often, so that new ones and their folder are among what has to be safe.
constexpr std::uint64_t kSegmentBytes = 64 << 10;
constexpr std::uint32_t kMostAtOnce = 12;

int run(const std::string& state, const char* endpoint) {
  agent::Spool spool({.state = state, .segment_bytes = kSegmentBytes});
  std::optional<agent::Uplink> uplink;
  if (endpoint != nullptr) {
    agent::UplinkOptions options;
    options.state = state;
    options.endpoints = {endpoint};
    options.look_ms = options.look_max_ms = 5;
    uplink.emplace(std::move(options));
  }
  std::mt19937 random(1);
  for (std::uint64_t number = 0;;) {
    std::string said;
    for (std::uint32_t left = 1 + random() % kMostAtOnce; left > 0; --left, ++number) {
      const std::string name = "power-" + std::to_string(number);
      if (faults::fate_of(name) == faults::Fate::kTooLarge) continue;
      const auto seq = spool.append(faults::made_event(name));
      if (!seq) return 1;
      said += schema::to_hex(spool.epoch()) + ' ' + std::to_string(*seq) + ' ' + name + '\n';
    }
    if (!spool.sync()) return 1;
    if (uplink) uplink->wake();
    if (::write(STDOUT_FILENO, said.data(), said.size()) != static_cast<ssize_t>(said.size()))
      return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : nullptr);
  } catch (const std::exception& error) {
    std::cerr << "strop-synced-writer: " << error.what() << '\n';
    return 1;
  }
}
