#include "bench/process_use.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

fs::path place_of(pid_t process) { return fs::path("/proc") / std::to_string(process); }

double status_mib(pid_t process, std::string_view name) {
  std::ifstream in(place_of(process) / "status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return std::stod(line.substr(name.size())) / 1024;
  throw std::runtime_error("the memory of a process cannot be read");
}

struct Stat {
  pid_t parent = 0;
  double seconds = 0;
};

// Of a thread or a process. Behind its name: state, parent, then times as fields 14 and 15, in
// clock ticks. One that has ended meanwhile has no parent.
Stat read_stat(const fs::path& file) {
  std::ifstream in(file);
  std::string text(std::istreambuf_iterator<char>(in), {});
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  Stat out;
  rest >> field >> out.parent;
  for (int i = 5; i < 14; ++i) rest >> field;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  out.seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return out;
}

}  // namespace

double rss_mib(pid_t process) { return status_mib(process, "VmRSS:"); }
double peak_rss_mib(pid_t process) { return status_mib(process, "VmHWM:"); }

double cpu_seconds(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
    throw std::runtime_error("the processor time of a process cannot be read");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::map<std::string, double> cpu_seconds_by_thread(pid_t process) {
  std::map<std::string, double> seconds;
  for (const auto& task : fs::directory_iterator(place_of(process) / "task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, name);
    seconds[name] += read_stat(task.path() / "stat").seconds;
  }
  return seconds;
}

double cpu_seconds_of_children(pid_t process) {
  double seconds = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    const Stat stat = read_stat(entry.path() / "stat");
    if (stat.parent == process) seconds += stat.seconds;
  }
  return seconds;
}

}  // namespace strop::bench
