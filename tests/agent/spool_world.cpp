#include "spool_world.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "agent/spool_files.h"

namespace strop::agent::test {
namespace {

namespace fs = std::filesystem;

constexpr double kHour = 3600e3;
constexpr double kDay = 24 * kHour;
constexpr int kRoundsToDeliver = 200;

std::string name_of(const schema::WireId& epoch, std::uint64_t seq) {
  return schema::to_hex(epoch).substr(0, 6) + ":" + std::to_string(seq);
}

std::uint64_t bytes_used(const fs::path& folder) {
  std::uint64_t used = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) used += entry.file_size();
  return used;
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t total = 0;
  for (const auto& [name, count] : counts) total += count;
  return total;
}

}  // namespace

SpoolWorld::SpoolWorld(std::uint64_t seed, Troubles troubles) : random_(seed), troubles_(troubles) {
  fs::create_directories(folder_ / "0");
  boot(folder_ / "0");
}

void SpoolWorld::found(const std::string& what) {
  if (finding_.empty()) finding_ = what;
}

std::string SpoolWorld::story() const {
  std::string text;
  for (const std::string& line : story_) text += "  " + line + "\n";
  return text;
}

// The machine starts with what is on its disk.
void SpoolWorld::boot(const fs::path& state) {
  // Order matters: agents of the machine before end on the disk of before.
  agents_.clear();
  shipment_.reset();
  disk_.reset();
  state_ = state;
  disk_ = std::make_unique<VolatileDisk>(state_, random_, troubles_.honesty);
  room_.reset();
  start_agent();
}

void SpoolWorld::start_agent() {
  SpoolOptions options;
  options.state = state_;
  options.segment_bytes = 200 + below(2000);
  options.now_ms = [this] { return now_; };
  options.write = [this](int descriptor, std::string_view bytes) {
    return write(descriptor, bytes);
  };
  agents_.push_back(std::make_unique<Spool>(std::move(options)));
  tell("start " + name_of(agents_.back()->epoch(), 0));
}

bool SpoolWorld::write(int descriptor, std::string_view bytes) {
  const std::uint64_t used = room_ ? bytes_used(state_) : 0;
  if (!room_ || used + bytes.size() <= *room_) return write_whole(descriptor, bytes);
  if (used < *room_) write_whole(descriptor, bytes.substr(0, *room_ - used));
  errno = ENOSPC;
  return false;
}

void SpoolWorld::append() {
  Spool& spool = agent();
  std::string payload = R"({"n":)" + std::to_string(written_.size()) + R"(,"text":")";
  payload.append(one_in(8) ? below(3000) : below(120), static_cast<char>('a' + below(26)));
  payload += "\"}";
  if (one_in(500)) payload.append(schema::kMaxRecordBytes, ' ');
  const Name name{spool.epoch(), ++last_[spool.epoch()]};
  Written& written = written_[name];
  written.payload = payload;
  const auto seq = spool.append(payload, "consent:test");
  tell("append " + name_of(name.first, name.second) + (seq ? "" : " refused"));
  if (seq && *seq != name.second) found("append gave " + std::to_string(*seq));
  written.captured = seq.has_value() && !disk_->is_cut();
  if (!seq) written.reasons = {"disk_full", "too_large"};
}

void SpoolWorld::sync() {
  Spool& spool = agent();
  const bool good = spool.sync();
  tell("sync " + name_of(spool.epoch(), 0) + (good ? "" : " refused"));
  if (disk_->is_cut()) return;  // it never said so
  for (auto& [name, written] : written_) {
    if (name.first != spool.epoch() || written.synced) continue;
    written.synced = good;
    // What a disk refused to take is never spoken for by a later sync.
    if (!good && written.captured) written.reasons.insert({"damaged", "refused"});
  }
}

void SpoolWorld::end_agent() {
  const std::size_t which = below(agents_.size());
  tell("end " + name_of(agents_[which]->epoch(), 0));
  agents_.erase(agents_.begin() + static_cast<std::ptrdiff_t>(which));
}

// A connection, with as many rounds as it takes, or until it is cut.
void SpoolWorld::deliver(bool with_cuts) {
  if (!shipment_) shipment_ = std::make_unique<Shipment>(ShipmentOptions{state_, {}, "test", 2000});
  if (with_cuts && one_in(4))
    shipment_ = std::make_unique<Shipment>(ShipmentOptions{state_, {}, "test", 700});
  shipment_->look(one_in(2));
  shipment_->connected(now_);
  const std::size_t cut_after = with_cuts ? below(12) : 1'000'000;
  tell("deliver, cut after " + std::to_string(cut_after));
  std::size_t frames = 0;
  for (int round = 0; round < kRoundsToDeliver; ++round) {
    const std::vector<std::string> out = shipment_->to_send(now_);
    if (out.empty()) break;
    for (const std::string& bytes : out) {
      if (++frames > cut_after) return;
      const auto frame = schema::decode(bytes);
      if (!frame) return found("a frame that is none: " + frame.error().message);
      const auto answer = collector_.answer(*frame);
      if (++frames > cut_after) return;
      if (answer && shipment_->on_frame(*answer, now_) != Shipment::Verdict::kGoOn)
        return found("the agent does not go on after an answer");
    }
    if (one_in(3)) shipment_->save();
  }
  if (!with_cuts || one_in(2)) shipment_->save();
}

void SpoolWorld::excuse(const schema::WireId& epoch, const std::string& reason) {
  for (auto& [name, written] : written_)
    if (name.first == epoch) written.reasons.insert(reason);
}

void SpoolWorld::tidy(double grace_ms, SpoolConfig limits) {
  const auto tidied = SpoolStore(state_).tidy({limits, grace_ms, now_});
  if (!tidied && !disk_->is_cut() && !disk_->failing()) found(tidied.error());
  if (shipment_) shipment_->look(true);
}

void SpoolWorld::tidy_at_random() {
  SpoolConfig limits;
  if (one_in(3)) limits.max_bytes = below(20'000);
  if (one_in(4)) limits.max_age_days = 1;
  tell("tidy, at most " + std::to_string(limits.max_bytes) + " bytes");
  for (auto& [name, written] : written_) {
    if (limits.max_bytes < 20'000) written.reasons.insert("size");
    if (limits.max_age_days < 2) written.reasons.insert("age");
  }
  tidy(one_in(2) ? 0 : kDay, limits);
}

void SpoolWorld::change_room() {
  if (room_)
    room_.reset();
  else
    room_ = bytes_used(state_) + below(300);
  tell(room_ ? "the disk is full" : "the disk has room");
}

void SpoolWorld::forget() {
  const std::size_t rest = below(7);
  std::set<Name> chosen;
  const auto count = SpoolStore(state_).forget([&](const StoredRecord& record) {
    if (record.seq % 7 != rest) return false;
    chosen.emplace(record.epoch, record.seq);
    return true;
  });
  tell("forget " + std::to_string(chosen.size()));
  if (!count && !disk_->is_cut() && !disk_->failing()) found(count.error());
  for (const Name& name : chosen) {
    // Half overwritten when the power went it is no record any more.
    written_[name].reasons.insert("forgotten");
    if (disk_->is_cut()) written_[name].reasons.insert("damaged");
  }
}

void SpoolWorld::flip_byte() {
  std::vector<std::pair<schema::WireId, fs::path>> segments;
  for (const schema::WireId& epoch : list_epochs(spool_folder(state_)))
    for (const SegmentFile& segment : list_segments(epoch_folder(spool_folder(state_), epoch)))
      segments.emplace_back(epoch,
                            segment_file(epoch_folder(spool_folder(state_), epoch), segment.index));
  if (segments.empty()) return;
  const auto& [epoch, file] = segments[below(segments.size())];
  std::string bytes = read_from(file).value_or("");
  if (bytes.empty()) return;
  const std::size_t at = below(bytes.size());
  const FileDescriptor out(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  const char flipped = static_cast<char>(bytes[at] ^ (1 << below(8)));
  if (::pwrite(out.get(), &flipped, 1, static_cast<off_t>(at)) != 1) found("cannot flip a byte");
  tell("flip byte " + std::to_string(at) + " in " + name_of(epoch, 0));
  calm_ = false;
  damaged_.insert(epoch);
}

void SpoolWorld::restore_collector() {
  if (backup_ && one_in(2)) {
    tell("the collector is restored");
    collector_ = *backup_;
    restored_ = true;
    calm_ = false;
  } else {
    backup_ = collector_;
  }
}

// The power goes, or the agents are killed, in the middle of what comes next.
void SpoolWorld::arm() {
  armed_ = troubles_.kills && one_in(3) ? VolatileDisk::End::kKill : VolatileDisk::End::kPowerCut;
  if (armed_ == VolatileDisk::End::kPowerCut && !troubles_.power_cuts) return;
  disk_->cut_before_call(1 + static_cast<unsigned>(below(6)), folder_ / std::to_string(boots_ + 1),
                         armed_);
}

void SpoolWorld::land() {
  disk_->disarm();
  if (!disk_->is_cut()) return;
  tell(armed_ == VolatileDisk::End::kKill ? "killed in the middle of it"
                                          : "power cut in the middle of it");
  if (armed_ == VolatileDisk::End::kPowerCut)
    for (auto& [name, written] : written_) written.captured &= written.synced;
  calm_ = false;
  boot(folder_ / std::to_string(++boots_));
  check();
}

void SpoolWorld::crash(VolatileDisk::End end) {
  tell(end == VolatileDisk::End::kKill ? "kill" : "power cut");
  armed_ = end;
  disk_->cut(folder_ / std::to_string(boots_ + 1), end);
  land();
}

void SpoolWorld::step() {
  const bool middle = (troubles_.power_cuts || troubles_.kills) && one_in(12);
  if (middle) arm();
  const std::size_t dice = below(100);
  if (agents_.empty() || dice < 5) {
    // One that starts on a full disk has no place for its last count.
    if (agents_.empty()) room_.reset();
    if (agents_.size() < 3 && !room_) start_agent();
  } else if (dice < 45) {
    append();
  } else if (dice < 48) {
    agent().suppress(one_in(2) ? "env_file" : "gitignore");
    ++suppressed_;
  } else if (dice < 60) {
    sync();
  } else if (dice < 64) {
    end_agent();
  } else if (dice < 74) {
    deliver(true);
  } else if (dice < 81) {
    tidy_at_random();
  } else if (dice < 84) {
    forget();
  } else if (dice < 87) {
    now_ += (static_cast<double>(below(200)) - 50) * kHour;  // clocks are set back too
    tell("it is " + std::to_string(static_cast<std::uint64_t>(now_)));
  } else if (dice < 90) {
    if (troubles_.power_cuts) crash(VolatileDisk::End::kPowerCut);
  } else if (dice < 92) {
    if (troubles_.kills) crash(VolatileDisk::End::kKill);
  } else if (dice < 94) {
    if (troubles_.flipped_bytes) flip_byte();
  } else if (dice < 96) {
    if (troubles_.full_disk) change_room();
  } else if (dice < 98) {
    if (troubles_.restored_collector) restore_collector();
  } else if (troubles_.failing_sync) {
    const bool failing = one_in(2);
    disk_->set_failing(failing);
    tell(failing ? "syncs fail" : "syncs work");
  }
  land();
}

void SpoolWorld::check() {
  const SpoolStore store(state_);
  std::set<Name> there;
  const auto read = store.each_record([&](const StoredRecord& record) {
    for (std::uint64_t seq = record.seq; seq < record.seq + record.span; ++seq) {
      const Name name{record.epoch, seq};
      const auto found_at = written_.find(name);
      const std::string called = name_of(record.epoch, seq);
      if (!there.insert(name).second) found(called + " is read twice");
      if (record.state == RecordState::kGap) {
        const bool excused = found_at == written_.end() || !found_at->second.captured ||
                             found_at->second.reasons.contains(record.rule) ||
                             (record.rule == "damaged" && damaged_.contains(record.epoch));
        if (!excused) found(called + " is given up: " + record.rule);
      } else if (found_at == written_.end()) {
        found(called + " was never written");
      } else if (found_at->second.payload != record.bytes) {
        found(called + " is read with other bytes");
      }
    }
    return true;
  });
  if (!read) return found(read.error());
  for (const auto& [name, written] : written_) {
    if (!written.captured || there.contains(name) || damaged_.contains(name.first) ||
        written.reasons.contains("refused"))
      continue;
    const auto& arrived = collector_.stream(name.first);
    // Delivered and dropped, then perhaps lost by the collector.
    if (!arrived.contains(name.second) && !restored_)
      found(name_of(name.first, name.second) + " is not there");
  }
  const auto ledger = store.ledger();
  if (!ledger) return found(ledger.error());
  if (!ledger->balanced()) found("not balanced: " + ledger_to_json(*ledger).dump());
}

void SpoolWorld::finish() {
  tell("finish");
  room_.reset();
  disk_->set_failing(false);
  agents_.clear();
  for (int i = 0; i < 4; ++i) {
    deliver(false);
    now_ = std::max(now_, 1.7e12) + 2 * kDay;
    tidy(kDay, {1ull << 40, 1e6});
    shipment_->look(true);
  }
  if (!finding_.empty()) return;
  check_arrived();
  check_sums();
}

void SpoolWorld::check_arrived() {
  for (const auto& [epoch, stream] : collector_.streams())
    for (const auto& [seq, arrived] : stream) {
      const auto known = written_.find({epoch, seq});
      if (arrived.lost || !arrived.gap.empty()) continue;
      if (known == written_.end()) return found(name_of(epoch, seq) + " was never written");
      if (known->second.payload != arrived.payload)
        return found(name_of(epoch, seq) + " arrived with other bytes");
    }
  for (const auto& [name, written] : written_) {
    const auto& stream = collector_.stream(name.first);
    const auto arrived = stream.find(name.second);
    const bool damaged = damaged_.contains(name.first);
    const std::string called = name_of(name.first, name.second);
    if (arrived == stream.end()) {
      // Of an epoch that is buried a restored collector never hears again.
      if (written.captured && !restored_ && !damaged && !written.reasons.contains("refused"))
        found(called + " never arrived");
    } else if (arrived->second.lost) {
      if (written.captured && !restored_ && !damaged) found(called + " is noted as lost");
    } else if (!arrived->second.gap.empty()) {
      const std::string& why = arrived->second.gap;
      // What was dropped after its time of grace a restored collector may get as a gap too.
      const bool gone = why == "damaged" && (damaged || restored_);
      if (written.captured && !written.reasons.contains(why) && !gone)
        found(called + " arrived as a gap: " + why);
    }
  }
}

void SpoolWorld::check_sums() {
  const auto ledger = SpoolStore(state_).ledger();
  if (!ledger) return found(ledger.error());
  const std::string text = ledger_to_json(*ledger).dump();
  if (!ledger->balanced()) return found("not balanced at the end: " + text);
  if (ledger->spooled + ledger->unshipped > 0) return found("left in the spool: " + text);
  if (!list_epochs(spool_folder(state_)).empty()) return found("an epoch is never buried");
  if (!calm_) return;
  std::map<std::string, std::uint64_t> gaps;
  std::uint64_t events = 0;
  for (const auto& [epoch, stream] : collector_.streams())
    for (const auto& [seq, arrived] : stream)
      if (arrived.gap.empty())
        ++events;
      else
        ++gaps[arrived.gap];
  if (ledger->captured != written_.size() + suppressed_ || sum(ledger->suppressed) != suppressed_)
    found("captured were " + std::to_string(written_.size()) + " and " +
          std::to_string(suppressed_) + ": " + text);
  if (ledger->acked != events || ledger->given_up != gaps)
    found("the collector has " + std::to_string(events) + " events and gaps " +
          nlohmann::json(gaps).dump() + ": " + text);
}

}  // namespace strop::agent::test
