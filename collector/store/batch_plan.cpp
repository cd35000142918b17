#include "collector/store/batch_plan.h"

#include <algorithm>

namespace strop::collector {
namespace {

// The row that covers a number, or the end.
Standings::const_iterator at(const Standings& standing, std::uint64_t seq) {
  auto row = standing.upper_bound(seq);
  if (row == standing.begin()) return standing.end();
  --row;
  return row->first + row->second.span > seq ? row : standing.end();
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
      insert(entry, entry.seq, last);
    else if (entry.gap)
      take_gap(entry, last);
    else if (!take_again(entry))
      return false;
    through = std::max(through, last);
    return true;
  }

  BatchPlan finish() { return std::move(plan_); }

 private:
  bool take_again(const Entry& entry) {
    const auto there = at(standing_, entry.seq);
    if (there == standing_.end()) {
      plan_.found.push_back({entry.seq, entry.seq});
      insert(entry, entry.seq, entry.seq);
    } else if (there->second.gap || there->second.hash == entry.hash) {
      ++plan_.result.duplicates;  // what is erased stays erased
    } else {
      plan_.result.quarantined = true;  // another content under a name in use
      return false;
    }
    return true;
  }

  // It takes the place of what is stored where that was forgotten, never where an agent gave up
  // what had arrived without its knowing. Other gaps stay.
  void take_gap(const Entry& entry, std::uint64_t last) {
    std::uint64_t first = entry.seq;
    if (!entry.erases) {
      first = plan_.result.durable_through + 1;
    } else {
      for (auto there = at(standing_, first); is_gap(there); there = at(standing_, first))
        first = there->first + there->second.span;
      for (auto there = at(standing_, last); first <= last && is_gap(there);
           there = at(standing_, last))
        last = there->first - 1;
    }
    if (first > last) {
      ++plan_.result.duplicates;
      return;
    }
    if (entry.erases) erase(first, last);
    insert(entry, first, last);
  }

  bool is_gap(Standings::const_iterator there) const {
    return there != standing_.end() && there->second.gap;
  }

  // Of this very batch too.
  void erase(std::uint64_t first, std::uint64_t last) {
    plan_.erase.push_back({first, last});
    plan_.found.push_back({first, last});
    standing_.erase(standing_.lower_bound(first), standing_.upper_bound(last));
    plan_.result.erased +=
        static_cast<std::uint64_t>(std::erase_if(plan_.insert, [&](const BatchPlan::Row& row) {
          return row.seq >= first && row.seq <= last;
        }));
  }

  void insert(const Entry& entry, std::uint64_t first, std::uint64_t last) {
    const auto span = static_cast<std::uint32_t>(last - first + 1);
    plan_.insert.push_back({&entry, first, span});
    standing_[first] = {span, entry.gap, entry.hash};
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

std::uint64_t last_of(const PendingBatch& batch) {
  return batch.entries.back().seq + batch.entries.back().span - 1;
}

}  // namespace strop::collector
