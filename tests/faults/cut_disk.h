// A disk whose power can be cut: ext4 on a loop device, whose backing file, copied at an instant,
// is what such a disk would hold after a power cut at that instant.
//
// Owns image and mount, gone with it. One thread. What has not reached the device is in the kernel
// alone, and not in the copy: nothing is committed by itself for minutes. REQUIRES for an instant:
// nobody writes meanwhile, so whoever does is stopped. Errors: what cannot be made or mounted is an
// exception; prepare() tells beforehand.
#pragma once

#include <filesystem>
#include <string>

namespace strop::faults {

class CutDisk {
 public:
  // Has this process, and whom it starts, see mounts of its own. REQUIRES: one thread so far.
  // Returns why no such disk can be had; empty: it can.
  static std::string prepare();

  // A new one, mounted below the folder; at most so many bytes.
  CutDisk(std::filesystem::path folder, std::size_t bytes);
  ~CutDisk();
  CutDisk(const CutDisk&) = delete;
  CutDisk& operator=(const CutDisk&) = delete;

  std::filesystem::path root() const { return folder_ / "disk"; }

  // As it is after a power cut now, mounted, its journal replayed.
  CutDisk cut(const std::filesystem::path& folder) const;

 private:
  CutDisk(std::filesystem::path folder, const std::filesystem::path& image_of_other);
  std::filesystem::path image() const { return folder_ / "image"; }
  void mount() const;

  const std::filesystem::path folder_;
};

}  // namespace strop::faults
