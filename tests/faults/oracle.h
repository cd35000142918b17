// The oracle: whether every captured event is stored once with the bytes it was captured with, or
// counted with its reason, and whether both ledgers balance and agree.
//
// Pure: values in, findings out. REQUIRES of its moment: all that is captured was acknowledged, and
// capture has answered for all that was handed to it but what died with it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/spool_store.h"
#include "collector/store/store.h"
#include "faults/truth.h"

namespace strop::faults {

// What the collector's store holds.
struct Arrived {
  std::vector<collector::StoredEvent> events;  // gaps too
  std::vector<collector::DeadLetter> dead;
  std::vector<collector::LedgerRow> ledger;
};

Arrived read_store(collector::Store& store);

struct Expectations {
  schema::WireId spool_install{};  // of the streams that come from `spool`, others are simulated
  std::set<std::string> reasons;   // for which events may be given up
};

struct Verdict {
  std::vector<std::string> findings;  // empty: all is as it has to be
  std::uint64_t handed = 0;
  std::uint64_t captured = 0;
  std::uint64_t stored = 0;
  std::uint64_t rejected = 0;
  std::map<std::string, std::uint64_t> given_up;  // captured, then counted at both ends; by reason
  std::uint64_t unsaid = 0;  // died with capture before it had said so, and are not there
};

Verdict judge(const Truth& truth, const Arrived& arrived, const agent::Ledger& spool,
              const Expectations& expected);

}  // namespace strop::faults
