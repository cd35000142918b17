#include "collector/store/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "collector/owned_file.h"
#include "collector/store/store.h"

namespace strop::collector {

int take_lock(const std::filesystem::path& file) {
  const std::string lock = file.string() + ".lock";
  const int fd = open_owned(lock, O_RDWR);
  if (fd < 0)
    throw StoreError(StoreFault::kUnusable, "cannot create " + lock + ": " + std::strerror(errno) +
                                                "; the store's folder must exist and be writable");
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  throw StoreError(StoreFault::kBusy, "the store " + file.string() +
                                          " is locked: another strop-collector serves it; end that "
                                          "one, or give another --store");
}

void create_private(const std::filesystem::path& file) {
  const int fd = open_owned(file, O_RDWR);
  if (fd < 0)
    throw StoreError(StoreFault::kUnusable,
                     "cannot create the store " + file.string() + ": " + std::strerror(errno));
  ::close(fd);
}

void sync_folder(const std::filesystem::path& file) {
  const auto folder = std::filesystem::absolute(file).parent_path();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const int result = ::fsync(fd);
  ::close(fd);
  if (result != 0)
    throw StoreError(StoreFault::kUnusable,
                     "cannot sync " + folder.string() + ": " + std::strerror(errno));
}

void sync_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!synced)
    throw StoreError(StoreFault::kUnusable,
                     "cannot sync " + file.string() + ": " + std::strerror(error));
}

}  // namespace strop::collector
