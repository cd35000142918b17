// Who may come in, as it is now: the allow-list, what waits to come on it, and how that goes.
//
// Ownership: keeps its own view of the keys' folder. Thread: all of it belongs to the receiver's.
// Errors: start-up faults are exceptions with what to do; later a list that cannot be read leaves
// the one that was in force, and what cannot be written is refused and logged.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "collector/caller.h"
#include "collector/enrol_list.h"
#include "collector/followed_file.h"
#include "collector/keys.h"
#include "collector/metrics.h"
#include "schema/wire.h"

namespace strop::collector {

// The allow-list file, followed as it changes. Time in milliseconds of any steady clock.
class LiveAllowList {
 public:
  // Throws UsageError if the list is malformed to begin with.
  explicit LiveAllowList(const std::filesystem::path& keys);

  // A file that is not there allows nobody; one that cannot be read changes nothing, and the log
  // says what to do.
  const AllowList& current(double now_ms);
  void look_soon() { file_.look_soon(); }

  static constexpr double kLookEveryMs = FollowedFile::kLookEveryMs;

 private:
  bool load();

  const std::filesystem::path keys_;
  FollowedFile file_;
  AllowList list_;
};

// Now, by two clocks.
struct Moment {
  double steady_ms = 0;
  std::int64_t unix_ms = 0;
};

class Doorkeeper {
 public:
  Doorkeeper(const std::filesystem::path& keys, Metrics& metrics);

  const AllowList& allowed(Moment now) { return allowed_.current(now.steady_ms); }

  // Why this key is not to come in at all; empty: let it in. A token's key may, to say ENROL.
  std::string objection(const std::string& key, Moment now);

  // Who speaks with this key. Once a key that was to take another's place speaks, the other goes.
  Caller caller(const std::string& key, const std::string& address, Moment now);

  // ENROLLED, or the NACK that says why not.
  schema::Frame enrol(const Caller& caller, const schema::Enrol& enrol, Moment now);

 private:
  const EnrolList& waiting(Moment now);
  void retire_predecessor_of(const std::string& key, const std::string& user);

  const std::filesystem::path keys_;
  Metrics& metrics_;
  LiveAllowList allowed_;
  FollowedFile waiting_file_;
  EnrolList waiting_;
};

}  // namespace strop::collector
