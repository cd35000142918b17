#include <algorithm>
#include <set>

#include "collector/store/sqlite_statements.h"

namespace strop::collector {

tl::expected<OpenStream, OpenFault> SqliteStore::open_stream(const StreamKey& key,
                                                             const Sender& sender,
                                                             const std::string& agent,
                                                             std::uint64_t first_held,
                                                             std::int64_t now_ms) {
  require_in_place();
  Statements& sql = *statements_;
  const bool known = sql.find_install.with(key.install).step();
  const std::string owner = known ? sql.find_install.text(0) : sender.user;
  const bool quarantined = known && !sql.find_install.null(1);
  sql.find_install.reset();
  if (owner != sender.user) return tl::unexpected(OpenFault::kWrongInstall);
  if (quarantined) return tl::unexpected(OpenFault::kQuarantined);

  OpenStream stream;
  const bool found = sql.find_stream.with(key.install, key.epoch).step();
  if (found) {
    stream.id = sql.find_stream.number(0);
    stream.durable_through = unsigned_of(sql.find_stream.number(1));
  }
  sql.find_stream.reset();
  const bool hole = first_held > stream.durable_through + 1;
  if (found && !hole) return stream;  // the usual case writes nothing

  Transaction transaction(*db_);
  if (!known) sql.add_install.with(key.install, sender.user, sender.contributor).run();
  if (!found) {
    sql.add_stream.with(key.install, key.epoch, agent, now_ms).run();
    stream.id = db_->last_row_id();
  }
  if (hole) {
    sql.add_lost.with(stream.id, stream.durable_through + 1, first_held - 1, now_ms).run();
    stream.lost = first_held - 1 - stream.durable_through;
    stream.durable_through = first_held - 1;
    sql.advance.with(stream.id, stream.durable_through, now_ms).run();
  }
  transaction.commit();
  return stream;
}

// Rows that cover numbers from first to last.
Standings SqliteStore::read_standings(std::int64_t stream, std::uint64_t first,
                                      std::uint64_t last) {
  Standings out;
  for (Statement* rows : {&statements_->standing_events, &statements_->standing_dead}) {
    rows->with(stream, first, last);
    while (rows->step())
      out[unsigned_of(rows->number(0))] = {unsigned_of(rows->number(1)), rows->number(3) != 0,
                                           rows->text(2)};
    rows->reset();
  }
  return out;
}

void SqliteStore::insert(const PendingBatch& batch, const BatchPlan::Row& row,
                         std::int64_t now_ms) {
  const Entry& entry = *row.entry;
  if (entry.rejected)
    statements_->add_dead
        .with(batch.stream, row.seq, row.span, schema::to_word(*entry.rejected), entry.reason,
              now_ms, blob(entry.hash), entry.payload)
        .run();
  else
    statements_->add_event
        .with(batch.stream, row.seq, row.span, entry.type, entry.suggestion, batch.contributor,
              entry.t_ms, now_ms, blob(entry.hash), entry.payload)
        .run();
}

// Numbers first…last are accounted for after all: cuts them out of what is noted as lost.
void SqliteStore::found_again(std::int64_t stream, std::uint64_t first, std::uint64_t last) {
  Statements& sql = *statements_;
  while (sql.overlapping_lost.with(stream, first, last).step()) {
    const std::uint64_t from = unsigned_of(sql.overlapping_lost.number(0));
    const std::uint64_t to = unsigned_of(sql.overlapping_lost.number(1));
    const std::int64_t noticed = sql.overlapping_lost.number(2);
    sql.overlapping_lost.reset();
    sql.remove_lost.with(stream, from).run();
    if (from < first) sql.add_lost.with(stream, from, first - 1, noticed).run();
    if (to > last) sql.add_lost.with(stream, last + 1, to, noticed).run();
  }
  sql.overlapping_lost.reset();
}

// The developer forgot events while their acknowledgement was on its way: the gap takes their
// place.
std::uint64_t SqliteStore::erase(std::int64_t stream, std::uint64_t first, std::uint64_t last) {
  std::uint64_t erased = 0;
  for (Statement* statement : {&statements_->erase_events, &statements_->erase_dead}) {
    statement->with(stream, first, last).run();
    statements_->changes.with().step();
    erased += unsigned_of(statements_->changes.number(0));
    statements_->changes.reset();
  }
  return erased;
}

BatchResult SqliteStore::store_batch(const PendingBatch& batch, std::int64_t now_ms) {
  Statements& sql = *statements_;
  const bool known = sql.through.with(batch.stream).step();
  const std::uint64_t through = known ? unsigned_of(sql.through.number(0)) : 0;
  const std::uint64_t expired = known ? unsigned_of(sql.through.number(1)) : 0;
  sql.through.reset();
  if (!known) return {.hole = true};
  Standings standing;
  if (!batch.entries.empty() && batch.entries.front().seq <= through) {
    standing = read_standings(batch.stream, batch.entries.front().seq, last_of(batch));
    add_expired(standing, expired);
  }
  BatchPlan plan = plan_batch(batch, through, standing);
  BatchResult& result = plan.result;
  if (result.quarantined || result.hole) return result;
  for (const auto& [first, last] : plan.erase) result.erased += erase(batch.stream, first, last);
  for (const auto& [first, last] : plan.found) found_again(batch.stream, first, last);
  for (const BatchPlan::Row& row : plan.insert) insert(batch, row, now_ms);
  sql.advance.with(batch.stream, result.durable_through, now_ms).run();
  return result;
}

std::vector<BatchResult> SqliteStore::commit(const std::vector<PendingBatch>& batches,
                                             std::int64_t now_ms) {
  std::vector<BatchResult> results;
  results.reserve(batches.size());
  std::set<schema::WireId> quarantined;
  Transaction transaction(*db_);
  for (const PendingBatch& batch : batches) {
    if (quarantined.contains(batch.key.install)) {
      results.push_back({.quarantined = true});
      continue;
    }
    results.push_back(store_batch(batch, now_ms));
    if (!results.back().quarantined) continue;
    statements_->quarantine
        .with(batch.key.install, "two contents under one sequence number: a cloned machine")
        .run();
    quarantined.insert(batch.key.install);
    results.back() = {.quarantined = true};
  }
  require_in_place();
  transaction.commit();
  for (const BatchResult& result : results) erased_in_log_ |= result.erased > 0;
  clear_log();
  return results;
}

}  // namespace strop::collector
