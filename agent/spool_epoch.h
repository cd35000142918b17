// One epoch of the spool: its segments and what became of their records.
//
// A view of a folder, read with load() and again with reload(); the caller holds the spool's lock,
// shared to read, alone to change. One thread. Times are milliseconds of the Unix epoch. Errors:
// damaged bytes are passed over, and the sequence numbers they stood for become gaps, reason
// "damaged", of at least one number; a damaged state file is as if nothing had been acknowledged,
// which the collector corrects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/spool_files.h"
#include "agent/spool_format.h"
#include "agent/spool_store.h"
#include "schema/wire.h"

namespace strop::agent {

// What the file `state` of an epoch holds. Numbers up to folded_through are accounted for in
// `folded` alone, whatever records there still are; those up to acked_through, in the records.
struct EpochState {
  std::uint64_t generation = 0;  // counts how often something was forgotten
  std::uint64_t acked_through = 0;
  std::map<std::uint64_t, std::string> rejected;  // reject code's word, above folded_through
  std::map<std::uint32_t, double> acked_ms;  // segment → since when all of it is acknowledged
  std::uint32_t folded_segment = 0;          // segments up to here are gone
  std::uint64_t folded_through = 0;
  Ledger folded;
};

// A record as it stands in a segment, or the hole between two.
struct EpochEntry {
  SpoolRecord record;
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
  std::size_t size = 0;  // 0: a hole
};

// Where reading for the wire has come to.
struct SpoolCursor {
  std::uint64_t next_seq = 1;
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;  // 0: the segment's beginning
};

struct WireRecords {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::size_t bytes = 0;  // of the BATCH message
  std::vector<schema::Record> records;
};

class SpoolEpoch {
 public:
  static SpoolEpoch load(const std::filesystem::path& spool, const schema::WireId& id);

  // Segments and liveness, as they are now; the state only with `with_state`.
  void reload(bool with_state);

  const schema::WireId& id() const { return id_; }
  bool live() const { return live_; }  // an agent appends to it
  // Written by a newer program: to be left alone.
  bool foreign() const { return foreign_; }
  const std::vector<SegmentFile>& segments() const { return segments_; }
  EpochState& state() { return state_; }
  const EpochState& state() const { return state_; }

  // When a segment was begun; 0: not known.
  std::uint64_t created_ms(std::uint32_t segment) const;
  // Whether the segment may still grow.
  bool growing(std::uint32_t segment) const;
  // The lowest sequence number that can still be sent.
  std::uint64_t first_held() const { return state_.folded_through + 1; }

  // All entries in order, holes made up as gaps, until `visit` returns false. Only of `segment`, if
  // it is not 0.
  void walk(const std::function<bool(const EpochEntry&)>& visit, std::uint32_t segment = 0) const;

  RecordState state_of(const SpoolRecord& record) const;

  // Of all that is here, folded or not.
  Ledger ledger() const;
  // Of one segment's records above folded_through alone.
  Ledger ledger_of(std::uint32_t segment) const;

  // The next records from the cursor on, at most `max_bytes` of BATCH unless one alone is larger;
  // the cursor then stands behind them. Nothing: no more for now.
  std::optional<WireRecords> next_records(SpoolCursor& cursor, std::size_t max_bytes) const;

  // False with errno: the disk does not take it.
  bool save_state(bool durable) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  SpoolEpoch(std::filesystem::path folder, const schema::WireId& id)
      : folder_(std::move(folder)), id_(id) {}

  bool lost_at_end(std::uint32_t segment, std::string_view bytes, const ScanResult& scan) const;
  tl::expected<SegmentHeader, HeaderFault> header_of(std::uint32_t segment) const;
  void load_state();

  std::filesystem::path folder_;
  schema::WireId id_;
  bool live_ = false;
  bool foreign_ = false;
  std::vector<SegmentFile> segments_;
  EpochState state_;
};

nlohmann::json ledger_to_file(const Ledger& ledger);
Ledger ledger_from_file(const nlohmann::json& json);  // throws on what is none
void add_to(Ledger& sum, const Ledger& part);

}  // namespace strop::agent
