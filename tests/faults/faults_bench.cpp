// strop_bench_faults: many random faults at both ends of the wire and in between, and the oracle.
//
//   strop_bench_faults [--faults N] [--seed N] [--json F] --agent A --collector C --writer W
// Exit codes: 0 nothing was found; 1 something was, or it could not be run; 2 wrong usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <random>

#include "bench/bench_run.h"
#include "bench/rows.h"
#include "faults/fault_run.h"

namespace {

using namespace strop;

constexpr double kGoalSeconds = 60;

bench::Report rows_of(const faults::FaultReport& found) {
  bench::Report report;
  const auto add = [&report](const char* bench, const std::string& name, std::uint64_t count,
                             const char* unit) {
    report.add({bench, name, static_cast<double>(count), unit, "", {}, "", true});
  };
  for (const auto& [name, count] : found.faults) add("faults", name, count, "faults");
  add("events", "handed to capture", found.last.handed, "events");
  add("events", "captured", found.last.captured, "events");
  add("events", "stored once, with equal payload", found.last.stored, "events");
  add("events", "in the dead letters", found.last.rejected, "events");
  for (const auto& [reason, count] : found.last.given_up)
    add("events", "given up and counted, " + reason, count, "events");
  report.add({"events",
              "lost, doubled, altered or miscounted",
              static_cast<double>(found.findings.size()),
              "found",
              "",
              {},
              "0",
              found.findings.empty()});
  if (found.settled_s.empty()) return report;
  const double longest = *std::max_element(found.settled_s.begin(), found.settled_s.end());
  report.add({"liveness",
              "from the last fault until all is delivered",
              longest,
              "s",
              "",
              {},
              "<= 60 s",
              longest <= kGoalSeconds});
  return report;
}

int run(int argc, char** argv) {
  faults::FaultOptions options;
  options.faults = 1000;
  options.seed = std::random_device{}();
  bench::BenchFlags flags;
  CLI::App app{"Faults at both ends of the wire, and an oracle", "strop_bench_faults"};
  app.add_option("--faults", options.faults, "how many")->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", options.seed, "that draws them")->envname("STROP_FAULTS_SEED");
  app.add_option("--json", flags.json, "write the rows there, too");
  app.add_option("--agent", options.programs.agent, "strop-agent")->required();
  app.add_option("--collector", options.programs.collector, "strop-collector")->required();
  app.add_option("--writer", options.programs.writer, "strop-fault-writer")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!bench::prepare_output(app, flags)) return 2;
  std::cout << "STROP_FAULTS_SEED=" << options.seed << std::endl;
  options.tell = [](const std::string& how_far) { std::cerr << how_far << '\n'; };
  const faults::FaultReport found = faults::FaultRun(options).run();
  const int given = bench::give_output(app, flags, rows_of(found), options.programs.collector);
  faults::print_findings(found, std::cout);
  return found.findings.empty() ? given : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "strop_bench_faults: " << error.what() << '\n';
    return 1;
  }
}
