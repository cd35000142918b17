// So many faults in a row, drawn by a seed, while events are captured and delivered; every now and
// then, and in the end, trouble ceases, all has to be delivered in time, and the oracle looks.
//
// Owns the stage. One thread. Errors: findings are values; what cannot be set up is an exception.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "faults/oracle.h"
#include "faults/stage.h"

namespace strop::faults {

struct FaultOptions {
  std::size_t faults = 100;
  std::uint32_t seed = 0;
  Programs programs;
  // Connections may be left half open, without a word to either end: agents take half a minute to
  // see that. Else they are cut where trouble ceases.
  bool long_silence = true;
  std::function<void(const std::string&)> tell;  // how far it is; empty: nobody wants to know
};

struct FaultReport {
  std::map<std::string, std::size_t> faults;  // by kind
  std::vector<std::string> unchecked;         // what this machine does not let be checked, and why
  std::vector<double> settled_s;              // after each time that trouble ceased
  Verdict last;
  std::vector<std::string> findings;     // empty: nothing was found
  std::vector<std::string> last_faults;  // before the first finding
};

class FaultRun {
 public:
  explicit FaultRun(FaultOptions options);

  FaultReport run();

 private:
  struct Kind {
    const char* name;
    std::size_t weight;
    void (FaultRun::*happen)();
    bool possible = true;
  };

  std::vector<Kind> kinds() const;
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::chrono::milliseconds up_to(int ms) {
    return std::chrono::milliseconds(below(static_cast<std::size_t>(ms)) + 1);
  }
  FaultyProxy& a_way() { return stage_->proxy(below(2)); }
  RestlessAgent& a_restless() { return *stage_->restless().at(below(stage_->restless().size())); }
  void note(const std::string& detail);
  void work();
  void heal();
  void settle();

  void kill_writer();
  void kill_agent();
  void kill_collector();
  void kill_both_ends();
  void cut();
  void cut_within_a_frame();
  void half_open();
  void swallow_answers();
  void delay();
  void duplicate_bytes();
  void reorder_bytes();
  void duplicate_batch();
  void reorder_batches();
  void repeat_batches();
  void come_again();
  void agents_clock();
  void collectors_clock();
  void full_spool();
  void full_store();
  void long_outage();
  void stand_still();
  void forget();
  void check_ledger();
  std::chrono::seconds a_jump();

  const FaultOptions options_;
  std::mt19937 random_;
  FaultReport report_;
  std::set<std::string> reasons_{"too_large"};  // that this run gave so far
  std::deque<std::string> story_;
  std::uint64_t captured_ = 0;  // by the spool's ledger, so far
  std::unique_ptr<Stage> stage_;
};

// The faults by kind, what was captured and what became of it.
void print_faults(const FaultReport& report, std::ostream& out);
// What was found after what, and what could not be looked for.
void print_findings(const FaultReport& report, std::ostream& out);

}  // namespace strop::faults
