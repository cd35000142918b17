// A file that others change while a program runs: whether it is another now than when last asked.
//
// One thread. Times are milliseconds of any steady clock. Errors: a file that is not there is one
// state among others.
#pragma once

#include <sys/stat.h>

#include <filesystem>

namespace strop::collector {

class FollowedFile {
 public:
  explicit FollowedFile(std::filesystem::path file);

  // Looks at most every kLookEveryMs; false in between.
  bool changed(double now_ms);
  // The next call looks, whenever it is.
  void look_soon() { looked_ms_ = kNever; }

  const std::filesystem::path& path() const { return file_; }

  static constexpr double kLookEveryMs = 200;

 private:
  struct Stamp {
    ino_t inode = 0;
    off_t size = -1;
    struct timespec modified {};
    struct timespec changed {};
    bool operator==(const Stamp& other) const;
  };
  Stamp look() const;

  static constexpr double kNever = -1e300;
  const std::filesystem::path file_;
  Stamp stamp_;
  double looked_ms_ = 0;
};

}  // namespace strop::collector
