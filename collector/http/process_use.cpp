#include "collector/http/process_use.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace strop::collector {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessUse process_use() {
  ProcessUse use;
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    use.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  std::uint64_t pages_of_all = 0;
  std::uint64_t pages = 0;
  if (std::ifstream sizes("/proc/self/statm"); sizes >> pages_of_all >> pages)
    use.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::error_code none;
  const std::filesystem::directory_iterator open("/proc/self/fd", none);
  use.open_files = static_cast<std::uint64_t>(std::distance(begin(open), end(open)));
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) use.most_open_files = limit.rlim_cur;
  return use;
}

}  // namespace strop::collector
