#include "agent/privacy/never_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "agent/file_descriptor.h"

namespace strop::agent {

namespace fs = std::filesystem;

bool NeverList::look() {
  struct stat status {};
  Stamp stamp;
  const bool known = ::stat(file_.c_str(), &status) == 0;
  const bool lost = !known && errno != ENOENT && errno != ENOTDIR;
  if (known) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    stamp = {true, status.st_ino, status.st_size,
             status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec};
  }
  if (stamp_ == stamp && unreadable_ == lost) return false;
  stamp_ = stamp;
  paths_.clear();
  unreadable_ = lost;
  if (!known) return true;
  std::ifstream in(file_);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) paths_.insert(line);
  unreadable_ = !in.eof();
  return true;
}

std::optional<std::string> NeverList::holds(const fs::path& path) const {
  if (unreadable_) return "never:unreadable";
  if (paths_.contains(path.string())) return "never";
  return std::nullopt;
}

tl::expected<void, std::string> NeverList::add(const fs::path& state, const fs::path& path) {
  const fs::path file = state / kNeverFile;
  if (path.string().find('\n') != std::string::npos)
    return tl::unexpected(std::string(
        "a file name with a line break cannot be listed; name it in .stropignore instead"));
  std::error_code error;
  fs::create_directories(state, error);
  const FileDescriptor list(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // Appended in one write, so that two that add at once harm neither.
  const std::string line = path.string() + "\n";
  if (!list.is_open() ||
      ::write(list.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(list.get()) != 0)
    return tl::unexpected("cannot write " + file.string() + ": " + std::strerror(errno) +
                          "; name the file in .stropignore instead");
  return {};
}

}  // namespace strop::agent
