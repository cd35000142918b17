// The durable home of events: the interface that the receiver writes to and the commands read from.
//
// Two kinds: a SQLite file, with one receiver at a time, and a PostgreSQL database, with any number
// (open_store.h). Ownership: the caller owns the store. Thread: one thread a store object; several
// objects (and processes) may have the same store open. Times are milliseconds of the Unix epoch.
// Errors: StoreError, thrown; after one nothing of the call's work is in the store, unless it says
// that this cannot be known: what is then stored again is stored once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "schema/wire.h"

namespace strop::collector {

enum class StoreAccess {
  kReceiver,  // takes events in; makes the store, checks and migrates it
  kWrite,     // beside a receiver, or alone: creates nothing, migrates
  kRead,
};

enum class StoreFault { kFull, kBusy, kCorrupt, kUnusable };

class StoreError : public std::runtime_error {
 public:
  StoreError(StoreFault fault, const std::string& message)
      : std::runtime_error(message), fault_(fault) {}
  StoreFault fault() const { return fault_; }

 private:
  StoreFault fault_;
};

struct StreamKey {
  schema::WireId install{};
  schema::WireId epoch{};
  auto operator<=>(const StreamKey&) const = default;
};

// Who speaks for an install.
struct Sender {
  std::string user;         // name on the allow-list; empty on a connection without keys
  std::string contributor;  // pseudonym
};

// Whether a receiver looks its store through for damage before anything else. Of a large file that
// takes long, and somebody else does it later.
enum class StoreCheckup { kFirst, kLater };

enum class OpenFault { kQuarantined, kWrongInstall };

struct OpenStream {
  std::int64_t id = 0;  // the store's own name of the stream
  std::uint64_t durable_through = 0;
  std::uint64_t lost = 0;  // sequence numbers newly noted as lost, for the log
};

// One record after validation: an event to store, or a dead letter.
struct Entry {
  std::uint64_t seq = 0;
  std::uint32_t span = 1;
  std::string hash;     // of the payload as it came
  std::string payload;  // scrubbed; of a dead letter empty if it cannot be kept
  bool gap = false;     // an event of type gap
  bool erases = false;  // a gap whose numbers the developer forgot: what is stored of them goes
  std::string type;
  std::string suggestion;
  double t_ms = 0;
  std::optional<schema::RejectCode> rejected;  // set: a dead letter
  std::string reason;                          // of a dead letter
};

struct PendingBatch {
  std::int64_t stream = 0;
  StreamKey key;
  std::string contributor;
  std::vector<Entry> entries;
};

struct BatchResult {
  bool quarantined = false;  // cloned machine: nothing of the batch was stored
  bool hole = false;         // begins past the end of its stream: nothing of the batch was stored
  std::uint64_t durable_through = 0;
  std::uint64_t stored = 0;      // events that are new
  std::uint64_t duplicates = 0;  // events that were there already
  std::uint64_t erased = 0;      // events that a gap took the place of
};

struct StoredEvent {
  std::int64_t id = 0;  // rises in order of arrival
  StreamKey key;
  std::uint64_t seq = 0;
  std::string type;
  std::string suggestion;
  std::string contributor;
  double t_ms = 0;
  std::int64_t received_ms = 0;
  std::string payload;

  // The event's name for ever, the same in every store: epoch and sequence number.
  std::string name() const { return schema::to_hex(key.epoch) + ":" + std::to_string(seq); }
};

struct DeadLetter {
  StreamKey key;
  std::uint64_t seq = 0;
  std::string code;
  std::string reason;
  std::int64_t received_ms = 0;
  std::string payload;  // scrubbed; empty if it could not be kept
  std::uint32_t span = 1;
};

// The collector's side of the ledger, for one stream: through = stored + rejected + gaps + lost.
struct LedgerRow {
  StreamKey key;
  std::string contributor;
  std::string agent;
  std::uint64_t through = 0;   // sequence numbers accounted for, all from 1 to here
  std::uint64_t stored = 0;    // events
  std::uint64_t rejected = 0;  // in the dead letters
  std::uint64_t gaps = 0;      // forgotten or given up by the agent, which said so
  std::uint64_t lost = 0;      // that neither side has any more
  std::uint64_t expired = 0;   // of stored and rejected, that were erased since by their age
  std::int64_t last_received_ms = 0;
  std::optional<std::string> quarantine;  // why the install is shut out
  bool balanced() const { return through == stored + rejected + gaps + lost; }
};

// What `expire` has erased, and where to go on.
struct Expired {
  std::uint64_t events = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t gaps = 0;
  std::int64_t after = 0;
  bool done = false;  // no stream is left to look at
};
inline std::uint64_t rows_of(const Expired& expired) {
  return expired.events + expired.dead_letters + expired.gaps;
}

// An export that was made, and how much of a contributor's it holds.
struct ExportRecord {
  std::int64_t at_ms = 0;
  std::string file;  // "-" for stdout
  std::map<std::string, std::uint64_t> lines_by_contributor;
  std::uint64_t lines = 0;  // of those asked about
  std::string sha256;       // of the lines, in hex; empty: made by an older program
};

struct Forgotten {
  std::uint64_t streams = 0;
  std::uint64_t events = 0;
  std::uint64_t dead_letters = 0;
  bool log_cleared = false;           // false: `remains` says where it is still to be found
  std::string remains;                // and what to do about it, for a person
  std::vector<ExportRecord> exports;  // that hold something of theirs
};

class Store {
 public:
  virtual ~Store() = default;

  // Finds or makes the stream. What lies between its end and `first_held` is noted as lost.
  virtual tl::expected<OpenStream, OpenFault> open_stream(const StreamKey& key,
                                                          const Sender& sender,
                                                          const std::string& agent,
                                                          std::uint64_t first_held,
                                                          std::int64_t now_ms) = 0;

  // Stores all batches in one transaction, durable when it returns; one result for each.
  // A batch that begins past the end of its stream, which a caller's memory of a store that was
  // restored or replaced since can bring about, is a `hole`.
  virtual std::vector<BatchResult> commit(const std::vector<PendingBatch>& batches,
                                          std::int64_t now_ms) = 0;

  // Writes so many bytes, at least a few, and takes them back; throws if the store could not take
  // as much now.
  virtual void probe(std::uint64_t bytes) = 0;

  // Takes what was erased out of the store's log too, if it has to and nobody reads just now;
  // `commit` has tried at once.
  virtual void clear_log() = 0;

  // Events in order of arrival, those with an id above `after`, until `visit` returns false.
  virtual void scan(std::int64_t after, const std::function<bool(const StoredEvent&)>& visit) = 0;

  // Events by suggestion: those of one suggestion by their numbers (one that was a dead letter
  // arrived late), suggestions in the order of their first event, until `visit` returns false. Gaps
  // are left out. Holds one suggestion at a time and some twenty bytes for each event.
  virtual void scan_suggestions(
      const std::function<bool(const std::vector<StoredEvent>&)>& visit) = 0;

  virtual std::vector<LedgerRow> ledger(const std::optional<schema::WireId>& install) = 0;
  virtual void dead_letters(const std::function<bool(const DeadLetter&)>& visit) = 0;

  // From here on this object reads the store as it is now, whatever others write. REQUIRES: kRead,
  // and once.
  virtual void hold_view() = 0;

  // Erases what these installs sent. A gap over all sequence numbers stays in its place, so that
  // nothing of it can come back.
  virtual Forgotten forget(const std::vector<schema::WireId>& installs, std::int64_t now_ms) = 0;

  // What a dead letter has become by the rules of today: an event in its place, or the same with
  // another reason. False: it is there no more.
  virtual bool replay(const DeadLetter& letter, const Entry& today) = 0;

  // Erases what was received before `before_ms`, of each stream from its beginning on as far as all
  // is so old. The ledger goes on counting it, and what is sent again stays erased. Looks at
  // `most` streams at most, those of a higher id than `after`, and erases `most` rows.
  virtual Expired expire(std::int64_t before_ms, std::int64_t after, std::size_t most) = 0;

  // Takes events of an install again that is quarantined. False: it is not.
  virtual bool readmit(const schema::WireId& install) = 0;

  // Notes an export, so that `forget` can tell where else things are; the note's number.
  virtual std::int64_t note_export(const ExportRecord& record) = 0;
  // Takes the note of an export back that came to nothing.
  virtual void drop_export(std::int64_t noted) = 0;

  // Beyond so many bytes the store answers as if the disk were full.
  virtual void set_size_limit(std::int64_t bytes) = 0;
};

}  // namespace strop::collector
