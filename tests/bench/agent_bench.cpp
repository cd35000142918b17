// strop_bench_agent: the speed and memory of strop-agent, as ratios to a bare byte pump in one run.
//
//   strop_bench_agent [--json F] [--scale S] [--only NAME] --agent A --pump P --server S [--relays
//   D]
// Exit codes: 0 measured, whether the goals are met or not; 1 it could not be; 2 wrong usage.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "bench/bench_run.h"
#include "bench/setup.h"

namespace {

using namespace strop::bench;

constexpr std::array<Measurement<Setup>, 6> kMeasurements{{{"round-trip", measure_round_trips},
                                                           {"large", measure_large_messages},
                                                           {"start", measure_start},
                                                           {"keystroke", measure_keystrokes},
                                                           {"memory", measure_memory},
                                                           {"gate", measure_gate}}};

int run(int argc, char** argv) {
  Programs programs;
  CLI::App app{"The speed and memory of strop-agent, in one run", "strop_bench_agent"};
  app.add_option("--agent", programs.agent, "strop-agent")->required()->check(CLI::ExistingFile);
  app.add_option("--pump", programs.pump, "strop-byte-pump")->required()->check(CLI::ExistingFile);
  app.add_option("--server", programs.server, "strop-bench-server")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--relays", programs.relays, "where public relays are, besides PATH");
  return run_bench(app, argc, argv, kMeasurements, programs.agent,
                   [&](double scale) { return std::make_unique<Setup>(programs, scale); });
}

}  // namespace

int main(int argc, char** argv) { return bench_main("strop_bench_agent", run, argc, argv); }
