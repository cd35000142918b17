// The developer's own view and hand on what the agent keeps: inspect, forget, pause, resume,
// new-install.
//
// Functions over the state folder, beside running agents, any thread; each returns the program's
// exit code and writes to the streams given. Errors: 1, or 2 for what cannot be meant, with a
// message on `err` that says what to do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace strop::agent {

// Every record on disk as the bytes that leave, the rule that decided, and the ledger. `json`: one
// object {"ledger", "records": [{epoch, seq, span, state, rule, bytes}]}; else for reading.
int inspect(const std::filesystem::path& state, bool json, std::ostream& out, std::ostream& err);

// What to forget. Exactly one is given.
struct ForgetWhat {
  bool all = false;
  // Records about this file, those without texts too. A folder is none.
  std::optional<std::filesystem::path> file;
  bool never = false;                 // and from now on nothing of that file is captured or sent
  std::optional<std::uint64_t> last;  // so many of the newest
};

// Takes records off the disk; gap records in their place have the collector erase its copies.
int forget(const std::filesystem::path& state, const ForgetWhat& what, std::ostream& out,
           std::ostream& err);

// Running agents neither capture nor ship within a second, until resume().
int pause(const std::filesystem::path& state, std::ostream& out, std::ostream& err);
int resume(const std::filesystem::path& state, std::ostream& out, std::ostream& err);

// For a copied machine: it counts as one of its own, and sends what it holds as its own.
int new_install(const std::filesystem::path& state, std::ostream& out, std::ostream& err);

// Whether the user has paused. Looks at the disk.
bool is_paused(const std::filesystem::path& state);

}  // namespace strop::agent
