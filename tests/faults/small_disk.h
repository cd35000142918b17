// A small disk of one's own, to be filled and freed: a tmpfs over a folder.
//
// Owns the mount and what is on it, gone with it. One thread. Sizes are bytes. Errors: what cannot
// be mounted is an exception; prepare() tells beforehand, without one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace strop::faults {

class SmallDisk {
 public:
  // Has this process, and whom it starts, see mounts of its own. REQUIRES: one thread so far.
  // Returns why that cannot be; empty: it is done.
  static std::string prepare();

  // Makes the folder if need be.
  SmallDisk(std::filesystem::path folder, std::size_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Takes all room but about so much.
  void fill(std::size_t leave);
  void free();
  bool is_full() const { return full_; }

 private:
  std::filesystem::path ballast() const { return folder_ / "ballast"; }

  const std::filesystem::path folder_;
  bool full_ = false;
};

}  // namespace strop::faults
