// What every benchmark program does: flags, one measurement after another, a table and a file.
//
// Functions; one thread. Exit codes: 0 measured, 1 the output could not be written, 2 wrong usage;
// what cannot be measured is an exception.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <string>
#include <vector>

#include "bench/rows.h"

namespace strop::bench {

template <class Setup>
struct Measurement {
  const char* name;
  void (*measure)(const Setup&, Report&);
};

struct BenchFlags {
  std::string json;
  std::string only;
  double scale = 1;
};

void add_bench_flags(CLI::App& app, BenchFlags& flags, const std::vector<std::string>& names);

// Opens the file for the rows, if one is wanted, before minutes are spent. False: it cannot be
// written, as has been said.
bool prepare_output(const CLI::App& app, const BenchFlags& flags);
// `program` is what the version on top of the rows is asked of.
int give_output(const CLI::App& app, const BenchFlags& flags, const Report& report,
                const std::string& program);

void say_measuring(const char* name);

// main() of a benchmark program: what cannot be measured is told, and is exit code 1.
int bench_main(const char* name, int (*run)(int, char**), int argc, char** argv);

// `make_setup` is called once the flags are known. `program` is the one that is measured.
template <class Setup, std::size_t kCount, class MakeSetup>
int run_bench(CLI::App& app, int argc, char** argv,
              const std::array<Measurement<Setup>, kCount>& measurements,
              const std::string& program, const MakeSetup& make_setup) {
  BenchFlags flags;
  std::vector<std::string> names;
  for (const auto& one : measurements) names.emplace_back(one.name);
  add_bench_flags(app, flags, names);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!prepare_output(app, flags)) return 2;
  const auto setup = make_setup(flags.scale);
  Report report;
  for (const auto& one : measurements) {
    if (!flags.only.empty() && flags.only != one.name) continue;
    say_measuring(one.name);
    one.measure(*setup, report);
  }
  return give_output(app, flags, report, program);
}

}  // namespace strop::bench
