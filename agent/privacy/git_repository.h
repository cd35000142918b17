// A repository as git lays it out, a linked worktree too: read, without running git.
//
// A value. Any thread. Errors: what cannot be read is empty.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace strop::agent {

struct GitRepository {
  std::filesystem::path folder;  // of the files
  std::filesystem::path git;     // HEAD
  std::filesystem::path common;  // what all its worktrees share

  // The nearest one above the file.
  static std::optional<GitRepository> above(const std::filesystem::path& file);

  // The commit it stands at; empty if that is not plain.
  std::string commit() const;
};

// Where git looks for what is a user's.
struct UserPlaces {
  std::filesystem::path home;
  std::filesystem::path git;  // ~/.config/git, or in $XDG_CONFIG_HOME
};

// The files that core.excludesFile names in all configuration that git reads, for a repository or
// for none. Every one of them counts, since each says what somebody wants left alone.
std::vector<std::filesystem::path> git_excludes_files(
    const UserPlaces& user, const std::optional<GitRepository>& repository);

}  // namespace strop::agent
