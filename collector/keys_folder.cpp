#include "collector/keys_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "collector/owned_file.h"

namespace strop::collector {
namespace {

// A file that a killed command left half written is made anew: it may be another user's.
bool write_and_sync(const std::filesystem::path& file, const std::string& text) {
  ::unlink(file.c_str());
  const int fd = open_owned(file, O_WRONLY | O_EXCL);
  if (fd < 0) return false;
  const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    ::fsync(fd) == 0;
  return ::close(fd) == 0 && good;
}

}  // namespace

KeysLock::KeysLock(const std::filesystem::path& keys)
    : keys_(keys), fd_(open_owned(keys / "allow.lock", O_RDWR)) {
  if (fd_ < 0 || ::flock(fd_, LOCK_EX) != 0) error_ = errno;
}

KeysLock::~KeysLock() {
  if (fd_ >= 0) ::close(fd_);
}

KeyResult KeysLock::held() const {
  if (error_ == 0) return {};
  return key_failure(keys_, std::string(std::strerror(error_)) +
                                "; is this the folder that `strop-collector keys generate` made?");
}

tl::unexpected<std::string> key_failure(const std::filesystem::path& file,
                                        const std::string& what) {
  return tl::unexpected(file.string() + ": " + what);
}

tl::expected<std::string, std::string> read_list(const std::filesystem::path& file) {
  const auto cannot = [&file] {
    return key_failure(file,
                       std::string(std::strerror(errno)) +
                           "; it must be readable for the collector's user: chown it to them");
  };
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::string();
  if (fd < 0) return cannot();
  std::string text;
  std::array<char, 4096> part{};
  ssize_t size = 0;
  while ((size = ::read(fd, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  const int error = errno;
  ::close(fd);
  errno = error;
  if (size < 0) return cannot();
  return text;
}

KeyResult replace_list(const std::filesystem::path& file, const std::string& text) {
  const auto fresh = std::filesystem::path(file.string() + ".new");
  if (!write_and_sync(fresh, text)) return key_failure(fresh, std::strerror(errno));
  if (::rename(fresh.c_str(), file.c_str()) != 0) return key_failure(file, std::strerror(errno));
  // The new name is on disk too: a token that was used stays used after a power cut.
  return sync_keys_folder(file.parent_path());
}

KeyResult sync_keys_folder(const std::filesystem::path& keys) {
  const int fd = ::open(keys.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return key_failure(keys, std::strerror(errno));
  const bool good = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!good) return key_failure(keys, std::strerror(error));
  return {};
}

}  // namespace strop::collector
