// The folder of keys as files: who may change it now, how a list in it is read and replaced.
//
// Any thread and process: writers hold the lock, readers see the old list or the new one. Errors:
// returned, saying what to do.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

namespace strop::collector {

using KeyResult = tl::expected<void, std::string>;

// Held while it lives; other commands and the collector itself wait. Not twice in a thread.
class KeysLock {
 public:
  explicit KeysLock(const std::filesystem::path& keys);
  KeysLock(const KeysLock&) = delete;
  KeysLock& operator=(const KeysLock&) = delete;
  ~KeysLock();

  // Whether it is held; if not, why not.
  KeyResult held() const;

 private:
  const std::filesystem::path& keys_;
  int fd_;
  int error_ = 0;
};

tl::unexpected<std::string> key_failure(const std::filesystem::path& file, const std::string& what);

// The text of a list; empty if there is no such file yet. One that cannot be read is an error.
tl::expected<std::string, std::string> read_list(const std::filesystem::path& file);

// What was renamed in the folder is on disk when this returns.
KeyResult sync_keys_folder(const std::filesystem::path& keys);

// In one step, mode 0600, on disk when this returns. REQUIRES: the lock.
KeyResult replace_list(const std::filesystem::path& file, const std::string& text);

}  // namespace strop::collector
