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

#include "agent/privacy/git_repository.h"
#include "agent/privacy/ignore_rules.h"
#include "agent/privacy/never_list.h"

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
  // `exclude`: patterns of the configuration, against the whole path. `state`: where the list of
  // what is never captured lies. `now_ms`: a steady clock.
  FileJudge(const std::vector<std::string>& exclude, UserPlaces user,
            const std::filesystem::path& state, std::function<double()> now_ms);

  JudgedFile judge(const std::filesystem::path& path);
  // Whether that list has changed since it was last asked: what was judged before is void then.
  bool has_new_never() { return never_.look(); }

 private:
  struct Cached {
    IgnoreRules rules;
    bool unreadable = false;
    double read_ms = 0;
  };

  struct Excludes {
    std::vector<std::filesystem::path> files;
    double read_ms = 0;
  };

  std::optional<std::string> exclusion_of(const std::filesystem::path& path,
                                          const std::optional<GitRepository>& repository);
  std::optional<std::string> exclusion_by_git(const std::filesystem::path& path,
                                              const std::optional<GitRepository>& repository,
                                              const std::filesystem::path& top);
  const Cached& rules_in(const std::filesystem::path& file);
  const std::vector<std::filesystem::path>& excludes_files(
      const std::optional<GitRepository>& repository);

  const IgnoreRules exclude_;
  const UserPlaces user_;
  const std::function<double()> now_ms_;
  NeverList never_;
  std::map<std::filesystem::path, Cached> cache_;
  std::map<std::filesystem::path, Excludes> excludes_;  // by repository
};

}  // namespace strop::agent
