// A program run to its end, with what it took.
//
// Functions; any thread. Its output goes to a log file. Errors: one that cannot be started or does
// not exit with 0 is std::runtime_error, with the end of its log.
#pragma once

#include <string>
#include <vector>

namespace strop::bench {

struct ProgramUse {
  double seconds = 0;            // by the clock, its start included
  double processor_seconds = 0;  // user and system, all threads
  double peak_mib = 0;           // resident
};

// The command is looked up in PATH.
ProgramUse run_program(std::vector<std::string> command, const std::string& log);

// What a program said last.
std::string end_of_log(const std::string& log);

}  // namespace strop::bench
