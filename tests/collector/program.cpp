#include "collector/program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// A machine's own /etc/strop/collector.toml is none of a test's business.
std::vector<std::string> with_own_configuration(std::vector<std::string> arguments) {
  static const std::set<std::string> kConfigured = {"serve",  "keys",   "ledger",    "pairs",
                                                    "export", "forget", "calibrate", "restore",
                                                    "enrol",  "backup", "deadletter"};
  const bool given = std::find(arguments.begin(), arguments.end(), "--config") != arguments.end();
  if (!arguments.empty() && kConfigured.count(arguments.front()) > 0 && !given)
    arguments.insert(std::find(arguments.begin(), arguments.end(), "--"),
                     {"--config", "/dev/null"});
  return arguments;
}

}  // namespace

Said run_collector(const std::vector<std::string>& arguments) {
  const TempFolder folder;
  Said said = run_collector_into(folder / "out", arguments);
  said.out = content(folder / "out");
  return said;
}

// Output goes to files, so that neither side ever waits for the other.
Said run_collector_into(const std::string& out, const std::vector<std::string>& given) {
  const std::vector<std::string> arguments = with_own_configuration(given);
  const TempFolder folder;
  const std::string program = STROP_BIN_DIR "/strop-collector";
  const std::string err = folder / "err";
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  argv.reserve(arguments.size() + 2);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    if (std::freopen(out.c_str(), "w", stdout) == nullptr ||
        std::freopen(err.c_str(), "w", stderr) == nullptr)
      ::_exit(126);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
  Said said;
  said.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  said.err = content(err);
  return said;
}

}  // namespace strop::collector
