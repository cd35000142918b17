#include "bench/timed_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace strop::bench {
namespace {

constexpr std::size_t kToldOfLog = 2000;  // bytes

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::string end_of_log(const std::string& log) {
  std::ifstream in(log, std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(in), {});
  return all.size() > kToldOfLog ? all.substr(all.size() - kToldOfLog) : all;
}

ProgramUse run_program(std::vector<std::string> command, const std::string& log) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto began = std::chrono::steady_clock::now();
  pid_t child = -1;
  const int fault = ::posix_spawnp(&child, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (fault != 0) throw std::runtime_error("cannot start " + command.front());
  int status = 0;
  rusage use{};
  if (::wait4(child, &status, 0, &use) != child)
    throw std::runtime_error("cannot wait for " + command.front());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(command.front() + " has failed; it said:\n" + end_of_log(log));
  return {took.count(), seconds_of(use.ru_utime) + seconds_of(use.ru_stime),
          static_cast<double>(use.ru_maxrss) / 1024};
}

}  // namespace strop::bench
