#include "faults/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "support/descriptor.h"

namespace strop::faults {
namespace {

namespace fs = std::filesystem;

std::string why(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

bool write_text(const char* file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return static_cast<bool>(out);
}

// As root of a namespace of one's own where one is not root: user namespaces have to be allowed.
bool become_root() {
  const auto user = std::to_string(::geteuid());
  const auto group = std::to_string(::getegid());
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
         write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", "0 " + user + " 1") &&
         write_text("/proc/self/gid_map", "0 " + group + " 1");
}

}  // namespace

std::string SmallDisk::prepare() {
  const bool done = ::geteuid() == 0 ? ::unshare(CLONE_NEWNS) == 0 : become_root();
  if (!done) return why("no mounts of one's own");
  // Nobody else is to see them. In a chroot / is no mount, and then its parent decides.
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  // What a killed process left in shared memory, libfaketime's parts above all, goes with us.
  ::mount("strop-shm", "/dev/shm", "tmpfs", MS_NODEV | MS_NOSUID, "mode=1777,size=256m");
  const fs::path probe = fs::temp_directory_path() / ("strop-disk-" + std::to_string(::getpid()));
  std::string fault;
  try {
    const SmallDisk disk(probe, 1 << 20);
  } catch (const std::exception& error) {
    fault = error.what();
  }
  std::error_code ignored;
  fs::remove(probe, ignored);
  return fault;
}

SmallDisk::SmallDisk(fs::path folder, std::size_t bytes) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  const std::string options = "mode=0700,size=" + std::to_string(bytes);
  if (::mount("strop-small-disk", folder_.c_str(), "tmpfs", MS_NODEV | MS_NOSUID,
              options.c_str()) != 0)
    throw std::runtime_error(why("cannot mount a small disk"));
}

SmallDisk::~SmallDisk() { ::umount2(folder_.c_str(), MNT_DETACH); }

void SmallDisk::fill(std::size_t leave) {
  struct statvfs facts {};
  if (::statvfs(folder_.c_str(), &facts) != 0) throw std::runtime_error(why("statvfs"));
  const std::size_t room = facts.f_bavail * facts.f_bsize;
  const support::Descriptor file(::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  // What others take meanwhile is theirs: then it is full as well.
  if (room > leave) ::posix_fallocate(file.get(), 0, static_cast<off_t>(room - leave));
  full_ = true;
}

void SmallDisk::free() {
  ::unlink(ballast().c_str());
  full_ = false;
}

}  // namespace strop::faults
