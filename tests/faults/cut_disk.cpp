#include "faults/cut_disk.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::faults {
namespace {

namespace fs = std::filesystem;

void run(const std::vector<std::string>& command) {
  support::Process process(command, {-1, STDERR_FILENO, STDERR_FILENO});
  if (process.wait() != 0) throw std::runtime_error(command.front() + " fails");
}

}  // namespace

std::string CutDisk::prepare() {
  if (::geteuid() != 0) return "loop devices want root";
  if (::unshare(CLONE_NEWNS) != 0) return std::string("unshare: ") + std::strerror(errno);
  // Nobody else is to see the mounts. In a chroot / is no mount, and then its parent decides.
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  try {
    const support::TemporaryFolder folder;
    const CutDisk probe(folder / "probe", 8 << 20);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

CutDisk::CutDisk(fs::path folder, std::size_t bytes) : folder_(std::move(folder)) {
  fs::create_directories(root());
  std::ofstream(image()).close();
  fs::resize_file(image(), bytes);
  run({"mkfs.ext4", "-q", image()});
  mount();
}

CutDisk::CutDisk(fs::path folder, const fs::path& image_of_other) : folder_(std::move(folder)) {
  fs::create_directories(root());
  fs::copy_file(image_of_other, image());
  mount();
}

void CutDisk::mount() const { run({"mount", "-o", "loop,commit=300", image(), root()}); }

CutDisk::~CutDisk() {
  // Not lazily: a loop device that stays would hold the image. Whoever used it has been killed.
  if (::umount2(root().c_str(), 0) != 0) ::umount2(root().c_str(), MNT_DETACH);
}

CutDisk CutDisk::cut(const fs::path& folder) const { return CutDisk(folder, image()); }

}  // namespace strop::faults
