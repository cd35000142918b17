#include "collector/followed_file.h"

#include <utility>

namespace strop::collector {
namespace {

bool same(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool FollowedFile::Stamp::operator==(const Stamp& other) const {
  return inode == other.inode && size == other.size && same(modified, other.modified) &&
         same(changed, other.changed);
}

FollowedFile::FollowedFile(std::filesystem::path file) : file_(std::move(file)), stamp_(look()) {}

FollowedFile::Stamp FollowedFile::look() const {
  struct stat facts {};
  if (::stat(file_.c_str(), &facts) != 0) return {};
  return {facts.st_ino, facts.st_size, facts.st_mtim, facts.st_ctim};
}

bool FollowedFile::changed(double now_ms) {
  if (now_ms - looked_ms_ < kLookEveryMs) return false;
  looked_ms_ = now_ms;
  const Stamp stamp = look();
  if (stamp == stamp_) return false;
  stamp_ = stamp;
  return true;
}

}  // namespace strop::collector
