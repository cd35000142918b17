#include "agent/spool_epoch.h"

#include <fcntl.h>

#include <algorithm>

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kDamaged = "damaged";
constexpr const char* kUnknownReason = "unknown";

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t total = 0;
  for (const auto& [name, count] : counts) total += count;
  return total;
}

void add_to(std::map<std::string, std::uint64_t>& sums,
            const std::map<std::string, std::uint64_t>& parts) {
  for (const auto& [name, count] : parts) sums[name] += count;
}

std::string name_or_unknown(std::string_view name) {
  return std::string(name.empty() ? kUnknownReason : name);
}

json state_to_json(const EpochState& state) {
  json rejected = json::array();
  for (const auto& [seq, code] : state.rejected) rejected.push_back({seq, code});
  json acked = json::array();
  for (const auto& [segment, ms] : state.acked_ms) acked.push_back({segment, ms});
  return {{"v", 1},
          {"generation", state.generation},
          {"acked_through", state.acked_through},
          {"rejected", rejected},
          {"acked_ms", acked},
          {"folded_segment", state.folded_segment},
          {"folded_through", state.folded_through},
          {"folded", ledger_to_file(state.folded)}};
}

EpochState state_from_json(const json& in) {
  EpochState state;
  state.generation = in.at("generation").get<std::uint64_t>();
  state.acked_through = in.at("acked_through").get<std::uint64_t>();
  for (const json& one : in.at("rejected"))
    state.rejected[one.at(0).get<std::uint64_t>()] = one.at(1).get<std::string>();
  for (const json& one : in.at("acked_ms"))
    state.acked_ms[one.at(0).get<std::uint32_t>()] = one.at(1).get<double>();
  state.folded_segment = in.at("folded_segment").get<std::uint32_t>();
  state.folded_through = in.at("folded_through").get<std::uint64_t>();
  state.folded = ledger_from_file(in.at("folded"));
  return state;
}

SpoolRecord hole_before(const SpoolRecord& record, std::uint64_t first) {
  const auto span = static_cast<std::uint32_t>(record.seq - first);
  return {SpoolKind::kGap, span, first, record.t_ms, kDamaged, {}};
}

// Counts one numbered record, its part up to `acked` apart from the rest.
void count(Ledger& ledger, const SpoolRecord& record, RecordState state, std::uint64_t acked,
           const std::map<std::uint64_t, std::string>& rejected) {
  ledger.captured += record.span;
  if (record.last_seq() > acked)
    ledger.unshipped += record.last_seq() - std::max(acked, record.seq - 1);
  switch (state) {
    case RecordState::kGap:
      ledger.given_up[name_or_unknown(record.rule)] += record.span;
      break;
    case RecordState::kSpooled:
      ledger.spooled += record.span;
      break;
    case RecordState::kRejected:
      ledger.rejected[rejected.at(record.seq)] += record.span;
      break;
    case RecordState::kAcked:
      ledger.acked += record.span;
      break;
  }
}

}  // namespace

bool Ledger::balanced() const {
  return captured == acked + spooled + sum(rejected) + sum(suppressed) + sum(given_up);
}

json ledger_to_file(const Ledger& ledger) { return ledger_to_json(ledger); }

Ledger ledger_from_file(const json& in) {
  using Counts = std::map<std::string, std::uint64_t>;
  Ledger ledger;
  ledger.captured = in.at("captured").get<std::uint64_t>();
  ledger.acked = in.at("acked").get<std::uint64_t>();
  ledger.spooled = in.at("spooled").get<std::uint64_t>();
  ledger.rejected = in.at("rejected").get<Counts>();
  ledger.suppressed = in.at("suppressed").get<Counts>();
  ledger.given_up = in.at("given_up").get<Counts>();
  return ledger;
}

void add_to(Ledger& sum, const Ledger& part) {
  sum.captured += part.captured;
  sum.acked += part.acked;
  sum.spooled += part.spooled;
  sum.unshipped += part.unshipped;
  add_to(sum.rejected, part.rejected);
  add_to(sum.suppressed, part.suppressed);
  add_to(sum.given_up, part.given_up);
}

SpoolEpoch SpoolEpoch::load(const fs::path& spool, const schema::WireId& id) {
  SpoolEpoch epoch(epoch_folder(spool, id), id);
  epoch.reload(true);
  return epoch;
}

// Whether it lives is asked first: what has died by then grows no more.
void SpoolEpoch::reload(bool with_state) {
  live_ = !FileLock::try_take_folder(folder_, FileLock::Kind::kShared).has_value();
  if (with_state) load_state();
  segments_ = list_segments(folder_);
  std::erase_if(segments_, [this](const SegmentFile& segment) {
    return segment.index <= state_.folded_segment;
  });
  if (foreign_ || segments_.empty()) return;
  // One program writes an epoch: what holds for one of its segments holds for all.
  const auto header = header_of(segments_.front().index);
  foreign_ = !header && header.error() == HeaderFault::kForeign;
}

void SpoolEpoch::load_state() {
  state_ = {};
  if (const auto text = read_from(epoch_state_file(folder_))) {
    try {
      state_ = state_from_json(json::parse(*text));
      return;
    } catch (const std::exception&) {
      state_ = {};
    }
  }
  // Segments that are gone were acknowledged, or they would be here.
  const auto segments = list_segments(folder_);
  if (segments.empty() || segments.front().index <= 1) return;
  if (const auto header = header_of(segments.front().index); header && header->first_seq > 1) {
    state_.folded_segment = segments.front().index - 1;
    state_.folded_through = state_.acked_through = header->first_seq - 1;
    state_.folded.captured = state_.folded.acked = state_.folded_through;
  }
}

tl::expected<SegmentHeader, HeaderFault> SpoolEpoch::header_of(std::uint32_t segment) const {
  const FileDescriptor file(::open(segment_file(folder_, segment).c_str(), O_RDONLY | O_CLOEXEC));
  std::string bytes(kSegmentHeaderBytes, '\0');
  if (!file.is_open() ||
      ::pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return tl::unexpected(HeaderFault::kDamaged);
  return read_segment_header(bytes);
}

std::uint64_t SpoolEpoch::created_ms(std::uint32_t segment) const {
  const auto header = header_of(segment);
  return header ? header->created_ms : 0;
}

bool SpoolEpoch::growing(std::uint32_t segment) const {
  return live_ && !segments_.empty() && segments_.back().index == segment;
}

void SpoolEpoch::walk(const std::function<bool(const EpochEntry&)>& visit,
                      std::uint32_t only) const {
  std::uint64_t expected = state_.folded_through + 1;
  bool go_on = true;
  for (const SegmentFile& segment : segments_) {
    if (!go_on || (only != 0 && segment.index > only)) return;
    const auto bytes = read_from(segment_file(folder_, segment.index));
    if (!bytes) continue;
    const bool wanted = only == 0 || only == segment.index;
    const ScanResult scan = scan_segment(
        *bytes, kFirstRecord, growing(segment.index),
        [&](const SpoolRecord& record, std::size_t offset, std::size_t size) {
          if (!record.numbered()) {
            if (wanted) go_on = visit({record, segment.index, offset, size});
            return go_on;
          }
          if (record.last_seq() < expected) return true;  // accounted for
          if (record.seq > expected && wanted)
            go_on = visit({hole_before(record, expected), segment.index, 0, 0});
          EpochEntry entry{record, segment.index, offset, size};
          if (record.seq < expected) {
            entry.record.seq = expected;
            entry.record.span = static_cast<std::uint32_t>(record.last_seq() - expected + 1);
          }
          expected = record.last_seq() + 1;
          if (wanted && go_on) go_on = visit(entry);
          return go_on;
        });
    if (go_on && wanted && lost_at_end(segment.index, *bytes, scan) &&
        expected > state_.acked_through)
      go_on = visit({{SpoolKind::kGap, 1, expected, created_ms(segment.index), kDamaged, {}},
                     segment.index,
                     0,
                     0});
  }
}

// Behind the last segment no number tells how many there were: what is damaged there counts as one.
bool SpoolEpoch::lost_at_end(std::uint32_t segment, std::string_view bytes,
                             const ScanResult& scan) const {
  return segment == segments_.back().index && !growing(segment) &&
         !state_.acked_ms.contains(segment) && damaged_behind(bytes, scan.end);
}

RecordState SpoolEpoch::state_of(const SpoolRecord& record) const {
  if (record.kind == SpoolKind::kGap) return RecordState::kGap;
  if (record.seq > state_.acked_through) return RecordState::kSpooled;
  return state_.rejected.contains(record.seq) ? RecordState::kRejected : RecordState::kAcked;
}

Ledger SpoolEpoch::ledger_of(std::uint32_t only) const {
  Ledger ledger;
  std::uint64_t last = state_.folded_through;
  walk(
      [&](const EpochEntry& entry) {
        const SpoolRecord& record = entry.record;
        if (!record.numbered()) {
          ledger.captured += record.span;
          ledger.suppressed[name_or_unknown(record.rule)] += record.span;
          return true;
        }
        last = record.last_seq();
        count(ledger, record, state_of(record), state_.acked_through, state_.rejected);
        return true;
      },
      only);
  // Acknowledged, and then lost from this disk.
  if (only == 0 && state_.acked_through > last) {
    ledger.captured += state_.acked_through - last;
    ledger.acked += state_.acked_through - last;
  }
  return ledger;
}

Ledger SpoolEpoch::ledger() const {
  Ledger ledger = ledger_of(0);
  add_to(ledger, state_.folded);
  return ledger;
}

std::optional<WireRecords> SpoolEpoch::next_records(SpoolCursor& cursor,
                                                    std::size_t max_bytes) const {
  WireRecords out;
  out.bytes = schema::kBatchOverheadBytes;
  bool full = false;
  const auto add = [&](std::uint64_t first, std::uint64_t last, std::string payload) {
    const std::size_t bytes = schema::kRecordOverheadBytes + payload.size();
    full = !out.records.empty() &&
           (out.bytes + bytes > max_bytes || out.records.size() >= schema::kMaxBatchRecords);
    if (full) return;
    if (out.records.empty()) out.first_seq = first;
    out.bytes += bytes;
    out.records.push_back({static_cast<std::uint32_t>(last - first + 1), std::move(payload)});
    out.last_seq = last;
    cursor.next_seq = last + 1;
  };
  const auto take = [&](const SpoolRecord& record) {
    if (!record.numbered() || record.last_seq() < cursor.next_seq) return;
    if (record.seq > cursor.next_seq)
      add(cursor.next_seq, record.seq - 1,
          gap_event(cursor.next_seq, record.seq - 1, record.t_ms, kDamaged));
    if (full) return;
    add(record.seq, record.last_seq(),
        record.kind == SpoolKind::kGap
            ? gap_event(record.seq, record.last_seq(), record.t_ms, name_or_unknown(record.rule))
            : std::string(record.payload));
  };
  for (const SegmentFile& segment : segments_) {
    if (full) break;
    if (segment.index < cursor.segment) continue;
    if (segment.index > cursor.segment) cursor = {cursor.next_seq, segment.index, 0};
    const std::uint64_t begin = std::max<std::uint64_t>(cursor.offset, kFirstRecord);
    if (segment.size <= begin) continue;
    const auto bytes = read_from(segment_file(folder_, segment.index), begin);
    if (!bytes) break;
    scan_segment(*bytes, 0, growing(segment.index),
                 [&](const SpoolRecord& record, std::size_t offset, std::size_t size) {
                   take(record);
                   if (!full) cursor.offset = begin + offset + size;
                   return !full;
                 });
  }
  if (out.records.empty()) return std::nullopt;
  return out;
}

bool SpoolEpoch::save_state(bool durable) const {
  return replace_file(epoch_state_file(folder_), state_to_json(state_).dump(), durable);
}

}  // namespace strop::agent
