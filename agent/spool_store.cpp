#include "agent/spool_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "agent/spool_epoch.h"
#include "agent/spool_files.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::chrono::milliseconds kPatience{5'000};
constexpr double kDayMs = 24 * 3600e3;
constexpr double kAbandonedFolderMs = 60'000;
constexpr const char* kForgotten = "forgotten";

tl::unexpected<std::string> cannot(const char* what, const fs::path& path) {
  return tl::unexpected(std::string("cannot ") + what + ' ' + path.string() + ": " +
                        std::strerror(errno));
}

// What is kept of epochs whose folder is gone, or is about to go.
struct PastEpochs {
  Ledger sum;
  std::set<std::string> gone;  // accounted for, though the folder may still be there
};

PastEpochs load_past(const fs::path& spool) {
  const auto text = read_from(ledger_file(spool));
  if (!text) return {};
  try {
    const json in = json::parse(*text);
    return {ledger_from_file(in.at("sum")), in.at("gone").get<std::set<std::string>>()};
  } catch (const std::exception&) {
    return {};
  }
}

bool save_past(const fs::path& spool, const PastEpochs& past) {
  const json out{{"v", 1}, {"sum", ledger_to_file(past.sum)}, {"gone", past.gone}};
  return replace_file(ledger_file(spool), out.dump(), true);
}

// By age, without those of newer programs and those that are only still to be removed.
std::vector<SpoolEpoch> load_epochs(const fs::path& spool, const PastEpochs& past) {
  std::vector<std::pair<std::uint64_t, SpoolEpoch>> aged;
  for (const schema::WireId& id : list_epochs(spool)) {
    if (past.gone.contains(schema::to_hex(id))) continue;
    SpoolEpoch epoch = SpoolEpoch::load(spool, id);
    if (epoch.foreign()) continue;
    const std::uint64_t age =
        epoch.segments().empty() ? 0 : epoch.created_ms(epoch.segments().front().index);
    aged.emplace_back(age, std::move(epoch));
  }
  std::stable_sort(aged.begin(), aged.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SpoolEpoch> epochs;
  epochs.reserve(aged.size());
  for (auto& [age, epoch] : aged) epochs.push_back(std::move(epoch));
  return epochs;
}

StoredRecord stored(const SpoolEpoch& epoch, const SpoolRecord& record) {
  StoredRecord out;
  out.epoch = epoch.id();
  out.seq = record.seq;
  out.span = record.span;
  out.state = epoch.state_of(record);
  out.rule = record.rule;
  out.t_ms = static_cast<double>(record.t_ms);
  if (out.state == RecordState::kRejected) out.rejected = epoch.state().rejected.at(record.seq);
  out.bytes = record.kind == SpoolKind::kGap
                  ? gap_event(record.seq, record.last_seq(), record.t_ms, record.rule)
                  : std::string(record.payload);
  return out;
}

struct Place {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
  std::string gap;
};

// Writes the gaps over their events. False with errno.
bool overwrite(const SpoolEpoch& epoch, const std::vector<Place>& places) {
  FileDescriptor file;
  std::uint32_t open_segment = 0;
  for (const Place& place : places) {
    if (place.segment != open_segment) {
      if (file.is_open() && ::fdatasync(file.get()) != 0) return false;
      file = FileDescriptor(
          ::open(segment_file(epoch.folder(), place.segment).c_str(), O_WRONLY | O_CLOEXEC));
      open_segment = place.segment;
    }
    if (!file.is_open() ||
        ::pwrite(file.get(), place.gap.data(), place.gap.size(),
                 static_cast<off_t>(place.offset)) != static_cast<ssize_t>(place.gap.size()))
      return false;
  }
  return !file.is_open() || ::fdatasync(file.get()) == 0;
}

// Before the bytes go: from the first of them on all is sent again, so that whatever is on its way
// at this moment is followed by its gap.
bool rewind(SpoolEpoch& epoch, std::uint64_t first) {
  EpochState& state = epoch.state();
  ++state.generation;
  state.acked_through = std::min(state.acked_through, first - 1);
  state.rejected.erase(state.rejected.lower_bound(first), state.rejected.end());
  state.acked_ms.clear();
  return epoch.save_state(true);
}

// One round of tidying, under the lock.
class Tidier {
 public:
  Tidier(const fs::path& spool, const TidyLimits& limits)
      : spool_(spool), limits_(limits), past_(load_past(spool)) {}

  bool run() {
    remove_leftovers();
    std::vector<SpoolEpoch> epochs = load_epochs(spool_, past_);
    for (SpoolEpoch& epoch : epochs) {
      mend_tail(epoch);
      note_acked(epoch);
      drop_acked(epoch, limits_.now_ms - limits_.grace_ms);
      give_up_old(epoch);
    }
    shrink(epochs);
    for (const SpoolEpoch& epoch : epochs) bury(epoch);
    return good_;
  }

 private:
  void remove_leftovers();
  void mend_tail(SpoolEpoch& epoch);
  void note_acked(SpoolEpoch& epoch);
  void drop_acked(SpoolEpoch& epoch, double acked_before_ms);
  void give_up_old(SpoolEpoch& epoch);
  void shrink(std::vector<SpoolEpoch>& epochs);
  void bury(const SpoolEpoch& epoch);
  bool drop_first_segment(SpoolEpoch& epoch);
  void give_up(SpoolEpoch& epoch, std::uint32_t segment, const char* reason);
  std::uint64_t last_seq_of(const SpoolEpoch& epoch, std::uint32_t segment) const;
  void check(bool done) { good_ = good_ && done; }

  const fs::path& spool_;
  const TidyLimits& limits_;
  PastEpochs past_;
  bool good_ = true;
};

void Tidier::remove_leftovers() {
  std::error_code error;
  for (const std::string& name : past_.gone) fs::remove_all(spool_ / name, error);
  for (fs::directory_iterator at(spool_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().find(".new-") == std::string::npos) continue;
    struct stat facts {};
    if (::stat(at->path().c_str(), &facts) != 0) continue;
    const double made = static_cast<double>(facts.st_mtim.tv_sec) * 1e3;
    std::error_code ignored;
    if (made + kAbandonedFolderMs < limits_.now_ms) fs::remove_all(at->path(), ignored);
  }
}

// What a process left half written when it was killed is cut; nobody appends there any more. What
// is damaged otherwise has its gap written in its place, for the collector too.
void Tidier::mend_tail(SpoolEpoch& epoch) {
  if (epoch.live() || epoch.segments().empty()) return;
  const SegmentFile& last = epoch.segments().back();
  if (epoch.state().acked_ms.contains(last.index)) return;
  const fs::path file = segment_file(epoch.folder(), last.index);
  const auto bytes = read_from(file);
  if (!bytes) return;
  std::optional<SpoolRecord> hole;
  epoch.walk(
      [&hole](const EpochEntry& entry) {
        hole.reset();
        if (entry.size == 0) hole = entry.record;
        return true;
      },
      last.index);
  const ScanResult scan =
      scan_segment(*bytes, kFirstRecord, false,
                   [](const SpoolRecord&, std::size_t, std::size_t) { return true; });
  if (!hole) {
    if (scan.end < bytes->size())
      check(::truncate(file.c_str(), static_cast<off_t>(scan.end)) == 0);
    return;
  }
  if (hole->t_ms == 0) hole->t_ms = static_cast<std::uint64_t>(limits_.now_ms);
  const SegmentHeader fresh{epoch.id(), epoch.state().folded_through + 1, hole->t_ms};
  const auto header = read_segment_header(*bytes).value_or(fresh);
  const std::string good =
      bytes->size() > kFirstRecord ? bytes->substr(kFirstRecord, scan.end - kFirstRecord) : "";
  check(
      replace_file(file, encode_segment_header(header) + good + encode_spool_record(*hole), true));
  epoch.reload(false);
}

std::uint64_t Tidier::last_seq_of(const SpoolEpoch& epoch, std::uint32_t segment) const {
  std::uint64_t last = epoch.state().folded_through;
  epoch.walk(
      [&last](const EpochEntry& entry) {
        if (entry.record.numbered()) last = entry.record.last_seq();
        return true;
      },
      segment);
  return last;
}

// From when all of a segment is acknowledged its time of grace runs.
void Tidier::note_acked(SpoolEpoch& epoch) {
  bool changed = false;
  for (const SegmentFile& segment : epoch.segments()) {
    if (epoch.state().acked_ms.contains(segment.index)) continue;
    if (epoch.growing(segment.index) ||
        last_seq_of(epoch, segment.index) > epoch.state().acked_through)
      break;
    epoch.state().acked_ms[segment.index] = limits_.now_ms;
    changed = true;
  }
  if (changed) check(epoch.save_state(false));
}

// The sums first, then the file: a segment up to folded_segment is not looked at any more.
bool Tidier::drop_first_segment(SpoolEpoch& epoch) {
  const std::uint32_t segment = epoch.segments().front().index;
  EpochState& state = epoch.state();
  const EpochState before = state;
  add_to(state.folded, epoch.ledger_of(segment));
  state.folded_through = std::max(state.folded_through, last_seq_of(epoch, segment));
  state.folded_segment = segment;
  state.acked_ms.erase(segment);
  state.rejected.erase(state.rejected.begin(), state.rejected.upper_bound(state.folded_through));
  if (!epoch.save_state(true)) {
    state = before;
    check(false);
    return false;
  }
  check(::unlink(segment_file(epoch.folder(), segment).c_str()) == 0);
  epoch.reload(false);
  return true;
}

void Tidier::drop_acked(SpoolEpoch& epoch, double acked_before_ms) {
  while (!epoch.segments().empty()) {
    const auto acked = epoch.state().acked_ms.find(epoch.segments().front().index);
    if (acked == epoch.state().acked_ms.end() || acked->second > acked_before_ms) return;
    if (epoch.growing(epoch.segments().front().index) || !drop_first_segment(epoch)) return;
  }
}

// Puts gaps in the place of what the collector does not have. What it has stays, for one that was
// restored.
void Tidier::give_up(SpoolEpoch& epoch, std::uint32_t segment, const char* reason) {
  EpochState& state = epoch.state();
  const fs::path file = segment_file(epoch.folder(), segment);
  std::string bytes;
  std::uint64_t first_seq = 0;
  bool events = false;
  std::optional<SpoolRecord> run;
  std::string run_reason;
  const auto end_run = [&] {
    if (!run) return;
    run->rule = run_reason;
    bytes += encode_spool_record(*run);
    run.reset();
  };
  epoch.walk(
      [&](const EpochEntry& entry) {
        const SpoolRecord& record = entry.record;
        if (first_seq == 0 && record.numbered()) first_seq = record.seq;
        if (!record.numbered() || record.last_seq() <= state.acked_through) {
          bytes += encode_spool_record(record);
          return true;
        }
        events |= record.kind == SpoolKind::kEvent;
        const std::string_view why =
            record.kind == SpoolKind::kGap ? record.rule : std::string_view(reason);
        if (run && run_reason == why) {
          run->span += record.span;
          return true;
        }
        end_run();
        run = SpoolRecord{SpoolKind::kGap, record.span, record.seq, record.t_ms, {}, {}};
        run_reason = why;
        return true;
      },
      segment);
  end_run();
  if (!events) return;
  // The uplink concludes nothing from answers to what it sent before: the gaps have to follow.
  ++state.generation;
  if (!epoch.save_state(true)) return check(false);
  const auto header = encode_segment_header({epoch.id(), first_seq, epoch.created_ms(segment)});
  check(replace_file(file, header + bytes, true));
  epoch.reload(false);
}

void Tidier::give_up_old(SpoolEpoch& epoch) {
  const double oldest = limits_.now_ms - limits_.limits.max_age_days * kDayMs;
  const std::vector<SegmentFile> segments = epoch.segments();
  for (const SegmentFile& segment : segments) {
    if (epoch.growing(segment.index) || epoch.state().acked_ms.contains(segment.index)) continue;
    if (static_cast<double>(epoch.created_ms(segment.index)) > oldest) return;
    bool old = true;
    epoch.walk(
        [&](const EpochEntry& entry) {
          old = static_cast<double>(entry.record.t_ms) <= oldest;
          return old;
        },
        segment.index);
    if (!old) return;
    give_up(epoch, segment.index, "age");
  }
}

// First what the collector has, then, oldest first, what it has not.
void Tidier::shrink(std::vector<SpoolEpoch>& epochs) {
  const auto size = [&epochs] {
    std::uint64_t total = 0;
    for (const SpoolEpoch& epoch : epochs)
      for (const SegmentFile& segment : epoch.segments()) total += segment.size;
    return total;
  };
  const std::uint64_t most = limits_.limits.max_bytes;
  for (SpoolEpoch& epoch : epochs)
    while (size() > most && !epoch.segments().empty() &&
           epoch.state().acked_ms.contains(epoch.segments().front().index) &&
           drop_first_segment(epoch)) {
    }
  for (SpoolEpoch& epoch : epochs) {
    const std::vector<SegmentFile> segments = epoch.segments();
    for (const SegmentFile& segment : segments) {
      if (size() <= most) return;
      if (!epoch.growing(segment.index)) give_up(epoch, segment.index, "size");
    }
  }
}

// An epoch to which nobody appends and that owes the collector nothing: its sums are kept.
void Tidier::bury(const SpoolEpoch& epoch) {
  // Suppressed ones owe it nothing: they have no number.
  bool owes = false;
  epoch.walk([&owes](const EpochEntry& entry) {
    owes = entry.record.numbered();
    return !owes;
  });
  if (epoch.live() || owes) return;
  const std::string name = schema::to_hex(epoch.id());
  PastEpochs next = past_;
  std::erase_if(next.gone, [this](const std::string& gone) {
    std::error_code error;
    return !fs::exists(spool_ / gone, error);
  });
  add_to(next.sum, epoch.ledger());
  next.sum.unshipped = 0;
  next.gone.insert(name);
  if (!save_past(spool_, next)) return check(false);
  past_ = next;
  std::error_code error;
  fs::remove_all(spool_ / name, error);
}

}  // namespace

std::string_view to_word(RecordState state) {
  switch (state) {
    case RecordState::kSpooled:
      return "spooled";
    case RecordState::kAcked:
      return "acked";
    case RecordState::kRejected:
      return "rejected";
    case RecordState::kGap:
      return "gap";
  }
  return "";
}

json ledger_to_json(const Ledger& ledger) {
  return {{"captured", ledger.captured},     {"acked", ledger.acked},
          {"spooled", ledger.spooled},       {"rejected", ledger.rejected},
          {"suppressed", ledger.suppressed}, {"given_up", ledger.given_up}};
}

SpoolStore::SpoolStore(const fs::path& state) : spool_(spool_folder(state)) {}

tl::expected<void, std::string> SpoolStore::each_record(
    const std::function<bool(const StoredRecord&)>& visit) const {
  std::error_code error;
  if (!fs::exists(spool_, error)) return {};
  const auto lock = lock_spool(spool_, FileLock::Kind::kShared, kPatience);
  if (!lock) return tl::unexpected(lock.error());
  bool go_on = true;
  for (const SpoolEpoch& epoch : load_epochs(spool_, load_past(spool_))) {
    if (!go_on) break;
    epoch.walk([&](const EpochEntry& entry) {
      if (entry.record.numbered()) go_on = visit(stored(epoch, entry.record));
      return go_on;
    });
  }
  return {};
}

tl::expected<Ledger, std::string> SpoolStore::ledger() const {
  std::error_code error;
  if (!fs::exists(spool_, error)) return Ledger{};
  const auto lock = lock_spool(spool_, FileLock::Kind::kShared, kPatience);
  if (!lock) return tl::unexpected(lock.error());
  const PastEpochs past = load_past(spool_);
  Ledger ledger = past.sum;
  for (const SpoolEpoch& epoch : load_epochs(spool_, past)) add_to(ledger, epoch.ledger());
  return ledger;
}

tl::expected<std::uint64_t, std::string> SpoolStore::forget(
    const std::function<bool(const StoredRecord&)>& choose) {
  std::error_code error;
  if (!fs::exists(spool_, error)) return 0;
  const auto lock = lock_spool(spool_, FileLock::Kind::kAlone, kPatience);
  if (!lock) return tl::unexpected(lock.error());
  std::uint64_t count = 0;
  for (SpoolEpoch& epoch : load_epochs(spool_, load_past(spool_))) {
    std::vector<Place> places;
    std::uint64_t first = 0;
    epoch.walk([&](const EpochEntry& entry) {
      const SpoolRecord& record = entry.record;
      if (record.kind != SpoolKind::kEvent || !choose(stored(epoch, record))) return true;
      if (places.empty()) first = record.seq;
      places.push_back(
          {entry.segment, entry.offset, encode_gap_over(record, kForgotten, entry.size)});
      return true;
    });
    if (places.empty()) continue;
    if (!rewind(epoch, first)) return cannot("write", epoch_state_file(epoch.folder()));
    if (!overwrite(epoch, places)) return cannot("write in", epoch.folder());
    count += places.size();
  }
  if (count > 0 && !replace_file(forgotten_file(spool_), schema::to_hex(random_id()), false))
    return cannot("write", forgotten_file(spool_));
  return count;
}

tl::expected<void, std::string> SpoolStore::tidy(const TidyLimits& limits) {
  std::error_code error;
  if (!fs::exists(spool_, error)) return {};
  const auto lock = lock_spool(spool_, FileLock::Kind::kAlone, kPatience);
  if (!lock) return tl::unexpected(lock.error());
  if (!Tidier(spool_, limits).run()) return cannot("tidy", spool_);
  return {};
}

}  // namespace strop::agent
