// Whether a file may be looked at: what is never captured, and what ignore files exclude.
//
// Owns a bounded cache of the ignore files it has read. One thread at a time. A file is judged by
// its name as the editor has it and by where it really lies; the more restrictive verdict stands,
// and each kind of ignore file can only add to the others. Errors: what cannot be read although it
// is there excludes the file.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/privacy/ignore_rules.h"

namespace strop::agent {

struct JudgedFile {
  std::filesystem::path real;        // where the file lies
  std::filesystem::path repository;  // the folder of its .git; empty: none
  std::optional<std::string>
      exclusion;  // why it is left alone: "default:.env*", ".gitignore:*.log"
};

// The path of a file: URI; nothing for any other, and for what is no absolute path.
std::optional<std::filesystem::path> path_of_uri(std::string_view uri);

class FileJudge {
 public:
  // `exclude`: patterns of the configuration, against the whole path. `now_ms`: a steady clock.
  FileJudge(const std::vector<std::string>& exclude, std::filesystem::path home,
            std::function<double()> now_ms);

  JudgedFile judge(const std::filesystem::path& path);

 private:
  struct Cached {
    IgnoreRules rules;
    bool unreadable = false;
    double read_ms = 0;
  };

  std::optional<std::string> exclusion_of(const std::filesystem::path& path,
                                          const std::filesystem::path& root);
  const Cached& rules_in(const std::filesystem::path& file);

  const IgnoreRules exclude_;
  const std::filesystem::path home_;
  const std::function<double()> now_ms_;
  std::map<std::filesystem::path, Cached> cache_;
};

}  // namespace strop::agent
