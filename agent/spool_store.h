// Everything that the spools of one user hold, from this and other processes: read, accounted for,
// forgotten, tidied.
//
// Functions over <state>/spool; holds no descriptors between calls. Any thread, any process:
// readers and changers exclude each other by a lock file, held for one call; agents go on appending
// meanwhile. Times are milliseconds of the Unix epoch, sizes bytes. Errors: returned, saying what
// to do; damaged bytes are none, they are passed over and accounted for. A folder that does not
// exist is an empty spool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "agent/config.h"
#include "schema/wire.h"

namespace strop::agent {

enum class RecordState {
  kSpooled,   // waits for the collector
  kAcked,     // the collector has it; kept for a while in case it loses it
  kRejected,  // the collector has it among its dead letters
  kGap,       // forgotten or given up; its bytes are the gap event's
};

// "spooled", "acked", "rejected", "gap".
std::string_view to_word(RecordState state);

struct StoredRecord {
  schema::WireId epoch{};
  std::uint64_t seq = 0;
  std::uint32_t span = 1;  // sequence numbers it stands for; above 1 only for a gap
  RecordState state = RecordState::kSpooled;
  std::string rule;      // what let it pass; of a gap, the reason
  std::string rejected;  // the reject code's word, of a rejected one
  std::string bytes;     // exactly what leaves
  double t_ms = 0;       // when it was captured
};

// captured = acked + spooled + rejected + suppressed + given_up. All epochs that ever were.
struct Ledger {
  std::uint64_t captured = 0;
  std::uint64_t acked = 0;
  std::uint64_t spooled = 0;
  std::map<std::string, std::uint64_t> rejected;    // by reject code
  std::map<std::string, std::uint64_t> suppressed;  // by rule
  std::map<std::string, std::uint64_t> given_up;  // by reason: forgotten, size, age, disk_full …
  std::uint64_t unshipped = 0;  // not acknowledged yet: the spooled ones and gaps that wait

  bool balanced() const;
  bool operator==(const Ledger&) const = default;
};

// {"captured", "acked", "spooled", "rejected": {…}, "suppressed": {…}, "given_up": {…}}.
nlohmann::json ledger_to_json(const Ledger& ledger);

struct TidyLimits {
  SpoolConfig limits;
  double grace_ms = 24 * 3600e3;
  double now_ms = 0;
};

class SpoolStore {
 public:
  explicit SpoolStore(const std::filesystem::path& state);

  // All records on disk, each epoch's in order, the epochs by age, until `visit` returns false.
  tl::expected<void, std::string> each_record(
      const std::function<bool(const StoredRecord&)>& visit) const;

  tl::expected<Ledger, std::string> ledger() const;

  // Overwrites the chosen records with gaps (reason "forgotten"), on disk when it returns, and has
  // the uplink send from the first of them on again. Gives how many. Gaps are not offered.
  tl::expected<std::uint64_t, std::string> forget(
      const std::function<bool(const StoredRecord&)>& choose);

  // Takes away what was acknowledged longer than the grace period ago; gives up, oldest first, what
  // is above the limits; cuts torn tails. The ledger stays the same but for what is given up.
  tl::expected<void, std::string> tidy(const TidyLimits& limits);

 private:
  std::filesystem::path spool_;
};

}  // namespace strop::agent
