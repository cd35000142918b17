// Runs strop-collector as a user would, and tells what it said.
//
// Blocks until the program ends. Errors: throws when it cannot be started.
#pragma once

#include <string>
#include <vector>

namespace strop::collector {

struct Said {
  int code = -1;  // exit code; 128 + the signal that ended it
  std::string out;
  std::string err;
};

Said run_collector(const std::vector<std::string>& arguments);

// The same with its stdout to this file or device; `out` stays empty.
Said run_collector_into(const std::string& stdout_file, const std::vector<std::string>& arguments);

}  // namespace strop::collector
