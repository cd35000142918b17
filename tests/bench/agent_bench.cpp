// strop_bench_agent: the speed and memory of strop-agent, as ratios to a bare byte pump in one run.
//
//   strop_bench_agent [--json F] [--scale S] [--only NAME] --agent A --pump P --server S [--relays
//   D]
// Exit codes: 0 measured, whether the goals are met or not; 1 it could not be; 2 wrong usage.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>

#include "bench/setup.h"

namespace {

using namespace strop::bench;

struct Measurement {
  const char* name;
  void (*measure)(const Setup&, Report&);
};

constexpr std::array<Measurement, 6> kMeasurements{{{"round-trip", measure_round_trips},
                                                    {"large", measure_large_messages},
                                                    {"start", measure_start},
                                                    {"keystroke", measure_keystrokes},
                                                    {"memory", measure_memory},
                                                    {"gate", measure_gate}}};

std::string version_of(const std::string& agent) {
  std::string said;
  FILE* out = ::popen(("'" + agent + "' --version").c_str(), "r");
  if (out == nullptr) return said;
  for (int c = 0; (c = std::fgetc(out)) != EOF && c != '\n';) said += static_cast<char>(c);
  return ::pclose(out) == 0 ? said : "";
}

int run(int argc, char** argv) {
  Programs programs;
  std::string json;
  std::string only;
  double scale = 1;
  CLI::App app{"The speed and memory of strop-agent, in one run"};
  app.add_option("--agent", programs.agent, "strop-agent")->required()->check(CLI::ExistingFile);
  app.add_option("--pump", programs.pump, "strop-byte-pump")->required()->check(CLI::ExistingFile);
  app.add_option("--server", programs.server, "strop-bench-server")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--relays", programs.relays, "where public relays are, besides PATH");
  app.add_option("--json", json, "write the rows there, too");
  app.add_option("--scale", scale, "how much is measured; below 1 the figures mean nothing")
      ->check(CLI::Range(0.001, 10.0));
  CLI::Option* which = app.add_option("--only", only, "one measurement");
  std::vector<std::string> names;
  for (const Measurement& one : kMeasurements) names.emplace_back(one.name);
  which->check(CLI::IsMember(names));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::ofstream file;
  if (!json.empty()) {
    file.open(json);
    if (!file) {
      std::cerr << "strop_bench_agent: " << json
                << " cannot be written; its folder must exist and be writable\n";
      return 2;
    }
  }
  const std::string version = version_of(programs.agent);
  const Setup setup(programs, scale);
  Report report;
  for (const Measurement& one : kMeasurements) {
    if (!only.empty() && only != one.name) continue;
    std::cerr << "measuring " << one.name << " …\n";
    one.measure(setup, report);
  }
  print_table(report, std::cout);
  if (!json.empty()) file << to_json(report, version) << std::endl;
  std::cout.flush();
  if (!std::cout || (!json.empty() && !file)) {
    std::cerr << "strop_bench_agent: the output could not be written; is the disk full?\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "strop_bench_agent: " << error.what() << '\n';
    return 1;
  }
}
