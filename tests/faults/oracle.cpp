#include "faults/oracle.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/made_event.h"

namespace strop::faults {
namespace {

using collector::DeadLetter;
using collector::LedgerRow;
using collector::StoredEvent;

constexpr std::size_t kMostFindings = 20;

std::string name_of(const Place& place) {
  return schema::to_hex(place.first) + ':' + std::to_string(place.second);
}

template <class Counts>
std::uint64_t sum(const Counts& counts) {
  std::uint64_t total = 0;
  for (const auto& [name, count] : counts) total += count;
  return total;
}

// What stands for a sequence number at the collector.
struct Standing {
  enum class Kind { kEvent, kGap, kDead } kind = Kind::kEvent;
  std::string reason;  // of a gap
};

class Judge {
 public:
  Judge(const Truth& truth, const Expectations& expected) : truth_(truth), expected_(expected) {}

  void take(const StoredEvent& event);
  void take(const DeadLetter& letter);
  void take_gap(const StoredEvent& gap);
  void check_rows(const std::vector<LedgerRow>& rows);
  void check_spool(const agent::Ledger& spool, const std::vector<LedgerRow>& rows);
  void check_events();
  Verdict verdict() { return std::move(verdict_); }

 private:
  void found(const std::string& what) {
    if (verdict_.findings.size() < kMostFindings) verdict_.findings.push_back(what);
  }
  void stand(const Place& place, Standing standing);
  void check_captured(const std::string& name, const Place& place, Handed::Wish wish);

  const Truth& truth_;
  const Expectations& expected_;
  std::map<Place, Standing> standing_;
  std::map<std::string, Place> stored_;              // by name
  std::map<std::string, std::uint64_t> spool_gaps_;  // numbers of the spool's streams, by reason
  Verdict verdict_;
};

void Judge::stand(const Place& place, Standing standing) {
  if (!standing_.emplace(place, std::move(standing)).second)
    found(name_of(place) + " is in the store twice");
}

// It begins at its own number, and ends at the latest where something else stands: of what was
// given up something may have arrived, and then the gap is what is left.
void Judge::take_gap(const StoredEvent& gap) {
  const auto json = nlohmann::json::parse(gap.payload);
  const auto reason = json.at("reason").get<std::string>();
  const auto last = json.at("seq").at(1).get<std::uint64_t>();
  stand({gap.key.epoch, gap.seq}, {Standing::Kind::kGap, reason});
  std::uint64_t end = gap.seq + 1;
  while (
      end <= last &&
      standing_.emplace(Place{gap.key.epoch, end}, Standing{Standing::Kind::kGap, reason}).second)
    ++end;
  if (gap.key.install == expected_.spool_install) spool_gaps_[reason] += end - gap.seq;
}

void Judge::take(const StoredEvent& event) {
  const Place place{event.key.epoch, event.seq};
  stand(place, {});
  ++verdict_.stored;
  const std::string& name = event.suggestion;
  const auto handed = truth_.events().find(name);
  if (handed == truth_.events().end())
    return found(name_of(place) + ", " + name + ", was never handed to capture");
  const auto [where, first] = stored_.emplace(name, place);
  if (!first) found(name + " is stored twice: " + name_of(where->second) + ", " + name_of(place));
  if (hash_of(event.payload) != handed->second.hash)
    found(name + " is not stored as it was captured");
  if (handed->second.place && *handed->second.place != place)
    found(name + " was captured as " + name_of(*handed->second.place) + " and is stored as " +
          name_of(place));
  if (fate_of(name) != Fate::kStored) found(name + " is stored, and should not be");
}

void Judge::take(const DeadLetter& letter) {
  const Place place{letter.key.epoch, letter.seq};
  stand(place, {Standing::Kind::kDead, letter.code});
  ++verdict_.rejected;
  const std::string* name = truth_.at(place);
  if (name != nullptr && fate_of(*name) != Fate::kRejected)
    found(*name + " is among the dead letters: " + letter.code + ", " + letter.reason);
}

void Judge::check_captured(const std::string& name, const Place& place, Handed::Wish wish) {
  ++verdict_.captured;
  const auto standing = standing_.find(place);
  if (standing == standing_.end()) return found(name + ", " + name_of(place) + ", is lost");
  const auto& [kind, reason] = standing->second;
  if (kind != Standing::Kind::kGap) {
    if (wish == Handed::Wish::kForgotten) found(name + " was forgotten, and is there");
    return;
  }
  ++verdict_.given_up[reason];
  const bool wished = wish != Handed::Wish::kNone && reason == "forgotten";
  if (!wished && !expected_.reasons.contains(reason))
    found(name + " was given up, " + reason + ", for which there was no reason");
}

void Judge::check_events() {
  for (const auto& [name, handed] : truth_.events()) {
    ++verdict_.handed;
    if (handed.word == Handed::Word::kCaptured) check_captured(name, *handed.place, handed.wish);
    if (handed.word == Handed::Word::kGivenUp && stored_.contains(name))
      found(name + " was given up and is stored");
    if (handed.word == Handed::Word::kNone && !stored_.contains(name)) ++verdict_.unsaid;
  }
}

void Judge::check_rows(const std::vector<LedgerRow>& rows) {
  std::map<std::pair<schema::WireId, Standing::Kind>, std::uint64_t> counts;
  for (const auto& [place, standing] : standing_) ++counts[{place.first, standing.kind}];
  for (const LedgerRow& row : rows) {
    const std::string stream = schema::to_hex(row.key.epoch);
    if (!row.balanced()) found("the collector's ledger of " + stream + " does not balance");
    if (row.lost > 0)
      found(std::to_string(row.lost) + " of " + stream + " are lost by the collector's own word");
    if (row.quarantine) found(stream + " is in quarantine: " + *row.quarantine);
    const auto check = [&](const char* what, Standing::Kind kind, std::uint64_t said) {
      const std::uint64_t there = counts[{row.key.epoch, kind}];
      if (there != said)
        found("the collector's ledger of " + stream + " says " + std::to_string(said) + ' ' + what +
              ", its store holds " + std::to_string(there));
    };
    check("stored", Standing::Kind::kEvent, row.stored);
    check("rejected", Standing::Kind::kDead, row.rejected);
    check("in gaps", Standing::Kind::kGap, row.gaps);
  }
}

// What the developer's ledger says against what the collector's says, and against what capture said
// to the last.
void Judge::check_spool(const agent::Ledger& spool, const std::vector<LedgerRow>& rows) {
  if (!spool.balanced())
    found("the spool's ledger does not balance: " + agent::ledger_to_json(spool).dump());
  if (spool.spooled + spool.unshipped > 0)
    found(std::to_string(spool.spooled + spool.unshipped) + " wait in the spool");
  std::uint64_t through = 0;
  std::uint64_t stored = 0;
  std::uint64_t rejected = 0;
  std::set<schema::WireId> epochs;
  for (const LedgerRow& row : rows) {
    if (row.key.install != expected_.spool_install) continue;
    through += row.through;
    stored += row.stored;
    rejected += row.rejected;
    epochs.insert(row.key.epoch);
  }
  const std::uint64_t numbered = spool.captured - sum(spool.suppressed);
  if (numbered != through)
    found("the spool's ledger has captured " + std::to_string(numbered) +
          ", the collector's ledger accounts for " + std::to_string(through));
  if (spool.acked > stored || sum(spool.rejected) > rejected)
    found("acknowledged by the spool's ledger are " + std::to_string(spool.acked) + ", rejected " +
          std::to_string(sum(spool.rejected)) + "; the collector has " + std::to_string(stored) +
          " and " + std::to_string(rejected));
  for (const auto& [reason, count] : spool_gaps_) {
    const auto own = spool.given_up.find(reason);
    const std::uint64_t said = own == spool.given_up.end() ? 0 : own->second;
    if (count > said)
      found("gaps of reason " + reason + ": the collector has " + std::to_string(count) +
            ", the spool's ledger says " + std::to_string(said));
  }
}

}  // namespace

Arrived read_store(collector::Store& store) {
  Arrived arrived;
  store.scan(0, [&](const StoredEvent& event) {
    arrived.events.push_back(event);
    return true;
  });
  store.dead_letters([&](const DeadLetter& letter) {
    arrived.dead.push_back(letter);
    return true;
  });
  arrived.ledger = store.ledger(std::nullopt);
  return arrived;
}

Verdict judge(const Truth& truth, const Arrived& arrived, const agent::Ledger& spool,
              const Expectations& expected) {
  Judge judge(truth, expected);
  std::vector<const StoredEvent*> gaps;
  for (const StoredEvent& event : arrived.events)
    if (event.type == "gap")
      gaps.push_back(&event);
    else
      judge.take(event);
  for (const DeadLetter& letter : arrived.dead) judge.take(letter);
  std::sort(gaps.begin(), gaps.end(), [](const auto* a, const auto* b) { return a->seq > b->seq; });
  for (const StoredEvent* gap : gaps) judge.take_gap(*gap);
  judge.check_events();
  judge.check_rows(arrived.ledger);
  judge.check_spool(spool, arrived.ledger);
  return judge.verdict();
}

}  // namespace strop::faults
