#include "faults/fault_run.h"

#include <algorithm>

namespace strop::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kLiveness{60'000};
constexpr milliseconds kSomeProgress{2'500};
constexpr std::size_t kSettleEvery = 100;
constexpr std::size_t kStory = 40;

}  // namespace

FaultRun::FaultRun(FaultOptions options) : options_(std::move(options)), random_(options_.seed) {
  const std::string no_disks = SmallDisk::prepare();
  if (!no_disks.empty()) report_.unchecked.push_back("full disks: " + no_disks);
  if (const std::string missing = JumpingClock::missing(); !missing.empty())
    report_.unchecked.push_back("clock jumps: " + missing);
  stage_ = std::make_unique<Stage>(options_.programs, no_disks.empty(), random_());
}

std::vector<FaultRun::Kind> FaultRun::kinds() const {
  const bool disks = stage_->spool_disk() != nullptr;
  const bool clocks = JumpingClock::missing().empty();
  return {{"kill -9 of an agent that captures", 10, &FaultRun::kill_writer},
          {"kill -9 of an agent that ships", 10, &FaultRun::kill_agent},
          {"kill -9 of the collector", 10, &FaultRun::kill_collector},
          {"kill -9 of both ends", 4, &FaultRun::kill_both_ends},
          {"connections reset", 8, &FaultRun::cut},
          {"connections cut within a frame", 8, &FaultRun::cut_within_a_frame},
          {"connections half open", 5, &FaultRun::half_open},
          {"answers lost, then a cut", 8, &FaultRun::swallow_answers},
          {"delay", 3, &FaultRun::delay},
          {"bytes twice", 3, &FaultRun::duplicate_bytes},
          {"bytes in the wrong order", 3, &FaultRun::reorder_bytes},
          {"a batch twice", 6, &FaultRun::duplicate_batch},
          {"batches in the wrong order", 6, &FaultRun::reorder_batches},
          {"acknowledged batches again", 6, &FaultRun::repeat_batches},
          {"late batches over a connection that was left", 4, &FaultRun::come_again},
          {"clock jump at the agents", 4, &FaultRun::agents_clock, clocks},
          {"clock jump at the collector", 4, &FaultRun::collectors_clock, clocks},
          {"full disk under the spool", 5, &FaultRun::full_spool, disks},
          {"full disk under the store", 5, &FaultRun::full_store, disks},
          {"a process stands still", 4, &FaultRun::stand_still},
          {"the developer forgets", 4, &FaultRun::forget},
          {"long outage", 2, &FaultRun::long_outage}};
}

FaultReport FaultRun::run() {
  std::vector<Kind> all = kinds();
  std::erase_if(all, [](const Kind& kind) { return !kind.possible; });
  std::vector<std::size_t> weights;
  for (const Kind& kind : all) weights.push_back(kind.weight);
  std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
  for (std::size_t i = 1; i <= options_.faults && report_.findings.empty(); ++i) {
    work();
    const Kind& kind = all.at(draw(random_));
    ++report_.faults[kind.name];
    story_.push_back(std::to_string(i) + ": " + kind.name);
    if (story_.size() > kStory) story_.pop_front();
    (this->*kind.happen)();
    report_.findings = stage_->complaints();
    check_ledger();
    if (i % kSettleEvery != 0 && i != options_.faults) continue;
    settle();
    if (options_.tell) options_.tell(std::to_string(i) + " faults");
  }
  report_.last_faults.assign(story_.begin(), story_.end());
  if (report_.findings.empty()) {
    stage_->end_all();
  } else {
    if (report_.settled_s.empty()) report_.last = stage_->verdict(reasons_);
    stage_->keep_folder();
  }
  return std::move(report_);
}

void FaultRun::note(const std::string& detail) { story_.back() += ", " + detail; }

// Something to lose: captured, made, on its way.
void FaultRun::work() {
  stage_->capture(1 + below(40));
  for (const auto& agent : stage_->restless()) agent->make(below(12));
  stage_->live(up_to(60));
  if (!one_in(3)) return;
  const std::uint64_t before = stage_->spool_ledger().unshipped;
  stage_->live_until(
      [&] {
        const std::uint64_t now = stage_->spool_ledger().unshipped;
        return now == 0 || now < before;
      },
      kSomeProgress);
}

void FaultRun::heal() {
  for (SmallDisk* disk : {stage_->spool_disk(), stage_->store_disk()})
    if (disk != nullptr) disk->free();
  for (std::size_t i = 0; i < 2; ++i) {
    stage_->proxy(i).heal();
    if (!options_.long_silence) stage_->proxy(i).cut();
  }
  stage_->start_all();
}

// Trouble ceases: what was captured has to arrive in time, and then the oracle looks.
void FaultRun::settle() {
  heal();
  const auto began = Steady::now();
  const bool answered = stage_->live_until([this] { return stage_->quiet(); }, kLiveness);
  const bool delivered =
      answered && stage_->live_until(
                      [this] { return stage_->delivered(); },
                      kLiveness - std::chrono::duration_cast<milliseconds>(Steady::now() - began));
  report_.settled_s.push_back(std::chrono::duration<double>(Steady::now() - began).count());
  if (!answered) report_.findings.emplace_back("capture does not answer");
  if (answered && !delivered) {
    report_.findings.push_back("not delivered after " + std::to_string(kLiveness.count()) +
                               " ms: " + std::to_string(stage_->spool_ledger().unshipped) +
                               " wait in the spool");
    for (const auto& agent : stage_->restless())
      if (!agent->settled())
        report_.findings.push_back("a restless agent has " + std::to_string(agent->acked()) +
                                   " of " + std::to_string(agent->made()) + " acknowledged");
  }
  report_.last = stage_->verdict(reasons_);
  for (const std::string& one : stage_->complaints()) report_.findings.push_back(one);
  if (!delivered) return;
  report_.findings.insert(report_.findings.end(), report_.last.findings.begin(),
                          report_.last.findings.end());
}

// Nothing captured is forgotten, at any moment.
void FaultRun::check_ledger() {
  const agent::Ledger ledger = stage_->spool_ledger();
  if (!ledger.balanced())
    report_.findings.push_back("the spool's ledger does not balance: " +
                               agent::ledger_to_json(ledger).dump());
  if (ledger.captured < captured_)
    report_.findings.push_back("the spool's ledger had " + std::to_string(captured_) +
                               " captured, and has " + std::to_string(ledger.captured));
  captured_ = ledger.captured;
}

// In the midst of its work.
void FaultRun::kill_writer() {
  stage_->capture(50 + below(200));
  stage_->live(up_to(6) - milliseconds(1));
  stage_->kill_writer();
}

void FaultRun::kill_agent() {
  const std::size_t which = below(Stage::kAgents);
  stage_->kill_agent(which);
  stage_->live(up_to(50));
  stage_->start_agent(which);
}

// With batches on their way into the store.
void FaultRun::kill_collector() {
  for (const auto& agent : stage_->restless()) agent->make(20);
  stage_->live(up_to(12) - milliseconds(1));
  stage_->kill_collector();
  stage_->live(up_to(50));
  stage_->start_collector();
}

void FaultRun::kill_both_ends() {
  for (std::size_t i = 0; i < Stage::kAgents; ++i) stage_->kill_agent(i);
  stage_->kill_collector();
  stage_->kill_writer();
  stage_->start_collector();
  for (std::size_t i = 0; i < Stage::kAgents; ++i) stage_->start_agent(i);
}

void FaultRun::cut() { a_way().cut(); }

void FaultRun::cut_within_a_frame() { a_way().cut_after(below(20'000)); }

void FaultRun::half_open() {
  const bool tell = one_in(2);
  FaultyProxy& way = a_way();
  way.abandon(tell);
  note(tell ? "the collector's end is closed" : "nobody is told");
  stage_->live(up_to(200));
  // Else it stays so until an agent has had enough of the silence.
  if (!one_in(4)) way.cut();
}

void FaultRun::swallow_answers() { a_way().swallow_answers(up_to(300)); }

void FaultRun::delay() {
  FaultyProxy& way = a_way();
  way.delay(up_to(150));
  stage_->live(up_to(300));
  way.heal();
}

void FaultRun::duplicate_bytes() { a_way().send_twice(); }
void FaultRun::reorder_bytes() { a_way().swap_bytes(); }

void FaultRun::duplicate_batch() {
  RestlessAgent& agent = a_restless();
  agent.make(10);
  agent.send_twice();
}

void FaultRun::reorder_batches() {
  RestlessAgent& agent = a_restless();
  agent.make(30);
  agent.send_in_wrong_order();
}

void FaultRun::repeat_batches() { a_restless().send_again(); }

void FaultRun::come_again() {
  RestlessAgent& agent = a_restless();
  agent.come_again();
  stage_->live(up_to(100));
  agent.speak_on_old_connection();
}

// Seconds as by a correction, hours, days, and beyond the age at which events are given up.
seconds FaultRun::a_jump() {
  constexpr std::array<int, 5> kJumps{7, 3'700, 2 * 86'400, 9 * 86'400, 45 * 86'400};
  const seconds by(kJumps.at(below(kJumps.size())));
  return one_in(2) ? -by : by;
}

void FaultRun::agents_clock() {
  const seconds by = a_jump();
  note(std::to_string(by.count()) + " s");
  stage_->agents_clock().jump(by);
  reasons_.insert("age");
}

void FaultRun::collectors_clock() {
  const seconds by = a_jump();
  note(std::to_string(by.count()) + " s");
  stage_->collectors_clock().jump(by);
}

void FaultRun::full_spool() {
  reasons_.insert("disk_full");
  stage_->spool_disk()->fill(below(40'000));
  stage_->capture(30 + below(60));
  stage_->live(up_to(200));
  // Killed there, its last words have no place.
  if (one_in(3)) stage_->kill_writer();
  if (one_in(3)) kill_agent();
  stage_->live(up_to(100));
  stage_->spool_disk()->free();
}

void FaultRun::full_store() {
  stage_->store_disk()->fill(below(100'000));
  stage_->live(up_to(300));
  if (one_in(3)) kill_collector();
  stage_->capture(1 + below(40));
  stage_->live(up_to(200));
  stage_->store_disk()->free();
  stage_->start_all();
}

// Nobody reaches the collector, for so long, and with so much captured, that the spool's limits are
// met; agents come and go.
void FaultRun::long_outage() {
  reasons_.insert("size");
  stage_->isolate(true);
  for (std::size_t i = 0; i < 2; ++i) {
    stage_->capture(500 + below(1500));
    stage_->live(up_to(300));
    stage_->kill_writer();
    if (one_in(2) && JumpingClock::missing().empty()) agents_clock();
    for (std::size_t agent = 0; agent < Stage::kAgents; ++agent) stage_->kill_agent(agent);
    for (std::size_t agent = 0; agent < Stage::kAgents; ++agent) stage_->start_agent(agent);
    stage_->live(up_to(500));
  }
  stage_->isolate(false);
}

// While it is on its way, or long after it arrived.
void FaultRun::forget() { stage_->forget_some(2 + below(40)); }

// As on a machine that sleeps.
void FaultRun::stand_still() {
  const std::size_t which = below(Stage::kAgents + 1);
  stage_->suspend(which, true);
  stage_->live(up_to(400));
  stage_->suspend(which, false);
}

void print_faults(const FaultReport& report, std::ostream& out) {
  for (const auto& [name, count] : report.faults) out << "  " << count << " x " << name << '\n';
  const Verdict& last = report.last;
  out << last.handed << " events handed to capture, " << last.captured << " captured, "
      << last.stored << " stored, " << last.rejected << " rejected, " << last.unsaid
      << " died with their agent unsaid";
  for (const auto& [reason, count] : last.given_up) out << ", " << count << " given up: " << reason;
  out << "\nall was delivered after";
  for (const double s : report.settled_s) out << ' ' << s;
  out << " s\n";
}

void print_findings(const FaultReport& report, std::ostream& out) {
  for (const std::string& one : report.unchecked) out << "NOT CHECKED: " << one << '\n';
  if (report.findings.empty()) return;
  out << "the last faults were\n";
  for (const std::string& one : report.last_faults) out << "  " << one << '\n';
  out << "FOUND:\n";
  for (const std::string& one : report.findings) out << "  " << one << '\n';
}

}  // namespace strop::faults
