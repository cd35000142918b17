#include "collector/owned_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace strop::collector {
namespace {

constexpr mode_t kPrivate = 0600;

bool give(int fd, const std::filesystem::path& file) {
  if (::geteuid() != 0) return true;
  struct stat folder {};
  if (::stat(std::filesystem::absolute(file).parent_path().c_str(), &folder) != 0) return false;
  return ::fchown(fd, folder.st_uid, folder.st_gid) == 0;
}

// As close(2), but what went wrong before stays told.
void close_quietly(int fd) {
  const int error = errno;
  ::close(fd);
  errno = error;
}

}  // namespace

int open_owned(const std::filesystem::path& file, int flags) {
  const int made = ::open(file.c_str(), flags | O_CREAT | O_EXCL | O_CLOEXEC, kPrivate);
  if (made < 0) {
    if (errno != EEXIST || (flags & O_EXCL) != 0) return -1;
    return ::open(file.c_str(), flags | O_CREAT | O_CLOEXEC, kPrivate);
  }
  if (give(made, file)) return made;
  close_quietly(made);
  return -1;
}

bool give_to_folder_owner(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  struct stat facts {};
  const bool mine = ::fstat(fd, &facts) == 0 && facts.st_uid == ::geteuid() &&
                    (S_ISDIR(facts.st_mode) || (S_ISREG(facts.st_mode) && facts.st_nlink == 1));
  const bool given = !mine || give(fd, file);
  close_quietly(fd);
  return given;
}

}  // namespace strop::collector
