#include "bench/bench_run.h"

#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace strop::bench {
namespace {

std::string version_of(const std::string& program) {
  std::string said;
  FILE* out = ::popen(("'" + program + "' --version").c_str(), "r");
  if (out == nullptr) return said;
  for (int c = 0; (c = std::fgetc(out)) != EOF && c != '\n';) said += static_cast<char>(c);
  return ::pclose(out) == 0 ? said : "";
}

}  // namespace

void add_bench_flags(CLI::App& app, BenchFlags& flags, const std::vector<std::string>& names) {
  app.add_option("--json", flags.json, "write the rows there, too");
  app.add_option("--scale", flags.scale, "how much is measured; below 1 the figures mean nothing")
      ->check(CLI::Range(0.001, 10.0));
  app.add_option("--only", flags.only, "one measurement")->check(CLI::IsMember(names));
}

bool prepare_output(const CLI::App& app, const BenchFlags& flags) {
  if (flags.json.empty() || std::ofstream(flags.json)) return true;
  std::cerr << app.get_name() << ": " << flags.json
            << " cannot be written; its folder must exist and be writable\n";
  return false;
}

int give_output(const CLI::App& app, const BenchFlags& flags, const Report& report,
                const std::string& program) {
  print_table(report, std::cout);
  std::cout.flush();
  bool written = static_cast<bool>(std::cout);
  if (!flags.json.empty()) {
    std::ofstream file(flags.json);
    file << to_json(report, std::filesystem::path(program).filename(), version_of(program))
         << std::endl;
    written = written && file;
  }
  if (written) return 0;
  std::cerr << app.get_name() << ": the output could not be written; is the disk full?\n";
  return 1;
}

void say_measuring(const char* name) { std::cerr << "measuring " << name << " …\n"; }

int bench_main(const char* name, int (*run)(int, char**), int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace strop::bench
