// The files that the developer said are never to be captured or sent: `forget --file F --never`.
//
// A file of absolute paths in the state folder, one a line, shared by all agents of the user.
// Times: a change is seen at the next look. One thread at a time. Errors say what to do; a list
// that is there and cannot be read holds every file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <tl/expected.hpp>

namespace strop::agent {

inline constexpr const char* kNeverFile = "never";

class NeverList {
 public:
  explicit NeverList(const std::filesystem::path& state) : file_(state / kNeverFile) {}

  // Reads it anew if it is another than before; whether it was.
  bool look();
  // "never", or why nobody knows; nothing: not on it.
  std::optional<std::string> holds(const std::filesystem::path& path) const;

  // Puts a file on it.
  static tl::expected<void, std::string> add(const std::filesystem::path& state,
                                             const std::filesystem::path& path);

 private:
  struct Stamp {
    bool there = false;
    std::uint64_t node = 0;
    std::int64_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  std::filesystem::path file_;
  std::optional<Stamp> stamp_;  // nothing: not looked at yet
  bool unreadable_ = false;
  std::set<std::string> paths_;
};

}  // namespace strop::agent
