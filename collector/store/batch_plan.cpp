#include "collector/store/batch_plan.h"

#include <algorithm>

namespace strop::collector {
namespace {

// The row that covers a number, if there is one.
const Standing* at(const Standings& standing, std::uint64_t seq) {
  auto row = standing.upper_bound(seq);
  if (row == standing.begin()) return nullptr;
  --row;
  return row->first + row->second.span > seq ? &row->second : nullptr;
}

class Planner {
 public:
  Planner(std::uint64_t through, Standings& standing) : standing_(standing) {
    plan_.result.durable_through = through;
  }

  // False: nothing of the batch may be stored.
  bool take(const Entry& entry) {
    std::uint64_t& through = plan_.result.durable_through;
    const std::uint64_t last = entry.seq + entry.span - 1;
    if (entry.seq > through + 1) {
      plan_.result.hole = true;
      return false;
    }
    if (entry.seq > through)
      insert(entry);
    else if (!take_again(entry, last))
      return false;
    through = std::max(through, last);
    return true;
  }

  BatchPlan finish() { return std::move(plan_); }

 private:
  bool take_again(const Entry& entry, std::uint64_t last) {
    const Standing* there = at(standing_, entry.seq);
    if (there != nullptr && (there->gap || there->hash == entry.hash)) {
      ++plan_.result.duplicates;  // what is erased stays erased
      return true;
    }
    if (entry.gap) {
      erase(entry.seq, last);
    } else if (there == nullptr) {
      plan_.found.push_back({entry.seq, last});
    } else {
      plan_.result.quarantined = true;  // another content under a name in use
      return false;
    }
    insert(entry);
    return true;
  }

  // Of this very batch too.
  void erase(std::uint64_t first, std::uint64_t last) {
    plan_.erase.push_back({first, last});
    plan_.found.push_back({first, last});
    standing_.erase(standing_.lower_bound(first), standing_.upper_bound(last));
    plan_.result.erased +=
        static_cast<std::uint64_t>(std::erase_if(plan_.insert, [&](const Entry* entry) {
          return entry->seq >= first && entry->seq <= last;
        }));
  }

  void insert(const Entry& entry) {
    plan_.insert.push_back(&entry);
    standing_[entry.seq] = {entry.span, entry.gap, entry.hash};
    ++plan_.result.stored;
  }

  Standings& standing_;
  BatchPlan plan_;
};

}  // namespace

BatchPlan plan_batch(const PendingBatch& batch, std::uint64_t through, Standings& standing) {
  const Standings before = standing;
  Planner planner(through, standing);
  for (const Entry& entry : batch.entries) {
    if (planner.take(entry)) continue;
    standing = before;
    const BatchResult why = planner.finish().result;
    BatchPlan nothing;
    nothing.result = {.quarantined = why.quarantined, .hole = why.hole, .durable_through = through};
    return nothing;
  }
  return planner.finish();
}

}  // namespace strop::collector
