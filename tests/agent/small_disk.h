// A disk that is soon full, for one test: a file system in memory, of a few pages, that only a
// process of its own sees.
//
// No state. Blocks until that process ends.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string>

namespace strop::agent::test {

// Writes until nothing more goes.
inline void fill_disk(const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary | std::ios::app);
  while (out.put('x').flush()) {
  }
}

// What `work` gives, called while `folder` is such a disk. Nothing: this machine lends none. What
// it throws is written to stderr, and is -1.
inline std::optional<int> on_small_disk(const std::filesystem::path& folder,
                                        const std::string& size, const std::function<int()>& work) {
  constexpr int kNoDisk = 77;
  constexpr int kThrown = 78;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool apart = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (!apart || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("small", folder.c_str(), "tmpfs", 0, ("size=" + size).c_str()) != 0)
      ::_exit(kNoDisk);
    try {
      ::_exit(work());
    } catch (const std::exception& error) {
      std::cerr << error.what() << '\n';
      ::_exit(kThrown);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) == kThrown) return -1;
  if (WEXITSTATUS(status) == kNoDisk) return std::nullopt;
  return WEXITSTATUS(status);
}

}  // namespace strop::agent::test
