// strop_bench_collector: the speed and memory of delivery, beside what the machine's parts do by
// themselves in the same run.
//
//   strop_bench_collector [--json F] [--scale S] [--only NAME] --collector C --agent A --server S
// Exit codes: 0 measured, whether the goals are met or not; 1 it could not be; 2 wrong usage.
#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "bench/bench_run.h"
#include "bench/collector_setup.h"

namespace {

using namespace strop::bench;

constexpr std::array<Measurement<CollectorSetup>, 5> kMeasurements{
    {{"delivery", measure_delivery},
     {"postgres", measure_postgres},
     {"storm", measure_storm},
     {"restart", measure_restart},
     {"spool", measure_large_spool}}};

int run(int argc, char** argv) {
  std::string collector;
  std::string agent;
  std::string server;
  CLI::App app{"The speed and memory of delivery to strop-collector, in one run",
               "strop_bench_collector"};
  app.add_option("--collector", collector, "strop-collector")->required()->check(CLI::ExistingFile);
  app.add_option("--agent", agent, "strop-agent")->required()->check(CLI::ExistingFile);
  app.add_option("--server", server, "strop-bench-server")->required()->check(CLI::ExistingFile);
  return run_bench(app, argc, argv, kMeasurements, collector, [&](double scale) {
    return std::make_unique<CollectorSetup>(collector, agent, server, scale);
  });
}

}  // namespace

int main(int argc, char** argv) { return bench_main("strop_bench_collector", run, argc, argv); }
