#include "faults/jumping_clock.h"

#include <fstream>

namespace strop::faults {
namespace {

namespace fs = std::filesystem;

fs::path library() {
  std::error_code error;
  for (fs::directory_iterator at("/usr/lib", error), end; !error && at != end; at.increment(error))
    if (fs::path found = at->path() / "faketime/libfaketimeMT.so.1"; fs::exists(found))
      return found;
  return {};
}

}  // namespace

std::string JumpingClock::missing() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "a sanitizer has to be loaded first, and so has libfaketime";
#else
  return library().empty() ? "there is no libfaketime (Debian: faketime)" : "";
#endif
}

JumpingClock::JumpingClock(fs::path file) : file_(std::move(file)) { write(); }

std::vector<std::string> JumpingClock::environment() const {
  if (!missing().empty()) return {};
  // Without the last one files would get times that no file has.
  return {"LD_PRELOAD=" + library().string(),
          "FAKETIME_TIMESTAMP_FILE=" + file_.string(),
          "FAKETIME_NO_CACHE=1",
          "FAKETIME_DONT_FAKE_MONOTONIC=1",
          "FAKETIME_DISABLE_SHM=1",
          "NO_FAKE_STAT=1"};
}

void JumpingClock::jump(std::chrono::seconds by) {
  offset_ += by;
  write();
}

// Whoever reads it sees the old time or the new one.
void JumpingClock::write() const {
  const fs::path fresh = file_.string() + ".new";
  std::ofstream(fresh) << (offset_.count() < 0 ? "" : "+") << offset_.count() << '\n';
  fs::rename(fresh, file_);
}

}  // namespace strop::faults
