// What a folder would look like after a power cut: what was synced, and of the rest whatever the
// system happened to write back.
//
// Stands between the code under test and the system: its program is linked with --wrap for fsync,
// fdatasync, rename, unlink and getrandom (CMakeLists.txt), which then come here, and none reaches
// the real disk. Models less than any file system promises: a file's unsynced bytes come in blocks
// in any order, zeros where nothing was written; each entry of an unsynced folder is there or not
// by itself. One disk at a time, one thread. Errors: exceptions.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "agent/file_descriptor.h"

namespace strop::agent::test {

class VolatileDisk {
 public:
  // Which syncs do what they say.
  struct Honesty {
    bool files = true;
    bool folders = true;
  };
  // kKill: the process dies, the system lives, and all that was written is there.
  enum class End { kPowerCut, kKill };

  // All that is in `root` is on the disk.
  VolatileDisk(std::filesystem::path root, std::mt19937_64& random, Honesty honesty);
  ~VolatileDisk();
  VolatileDisk(const VolatileDisk&) = delete;
  VolatileDisk& operator=(const VolatileDisk&) = delete;

  // Before the n-th wrapped call from now on the folder as it would stand goes to `image`, and from
  // there on nothing is noted any more.
  void cut_before_call(unsigned n, std::filesystem::path image, End end);
  void disarm() { cut_in_ = 0; }
  // The same at once.
  void cut(const std::filesystem::path& image, End end);
  bool is_cut() const { return cut_done_; }

  // Syncs of files give EIO from now on, and what they should have written is not.
  void set_failing(bool failing) { failing_ = failing; }
  bool failing() const { return failing_; }

  // The wrapped calls.
  static VolatileDisk* current();
  int sync(int descriptor);                   // 0, or -1 with errno
  ssize_t draw(void* out, std::size_t size);  // random bytes, the same for the same seed
  void before_removal(const char* path);      // of unlink, or of what a rename replaces

 private:
  struct Entry {
    ino_t id = 0;
    bool folder = false;
    bool operator==(const Entry&) const = default;
  };
  using Listing = std::map<std::string, Entry>;
  struct File {
    FileDescriptor held;  // keeps the bytes, and the number from being given again
    std::string durable;
  };

  void count();
  void take_all(const std::filesystem::path& folder, ino_t id);
  File& hold(ino_t id, const std::filesystem::path& path);
  void map_now(const std::filesystem::path& folder, ino_t id);
  Listing surviving(ino_t folder, End end);
  void write_folder(ino_t id, const std::filesystem::path& to, End end);
  void write_file(ino_t id, const std::filesystem::path& to, End end);
  std::string mixed(const std::string& durable, const std::string& now);
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool coin() { return (random_() & 1) != 0; }

  const std::filesystem::path root_;
  std::mt19937_64& random_;
  const Honesty honesty_;
  ino_t root_id_ = 0;
  bool failing_ = false;
  bool cut_done_ = false;
  unsigned cut_in_ = 0;  // wrapped calls; 0: not armed
  std::filesystem::path image_;
  End end_ = End::kPowerCut;

  std::map<ino_t, File> files_;
  std::map<ino_t, Listing> durable_;  // of folders
  // As it stands at the cut.
  std::map<ino_t, Listing> now_;
  std::map<ino_t, std::filesystem::path> paths_;
};

}  // namespace strop::agent::test
