#include <sstream>

#include "collector/store/batch_plan.h"
#include "collector/store/postgres_rows.h"
#include "collector/store/postgres_store.h"
#include "collector/store/postgres_values.h"

namespace strop::collector {
namespace {

struct Known {
  std::string user;
  bool quarantined = false;
  OpenStream stream;
  std::optional<OpenFault> fault(const Sender& sender) const {
    if (user != sender.user) return OpenFault::kWrongInstall;
    if (quarantined) return OpenFault::kQuarantined;
    return std::nullopt;
  }
};

std::optional<Known> find(pqxx::transaction_base& work, const StreamKey& key,
                          const std::string& lock) {
  const pqxx::result rows = work.exec_params(
      "SELECT i.\"user\", i.quarantine IS NOT NULL, s.id, s.durable_through FROM streams s"
      " JOIN installs i USING (install) WHERE s.install = $1 AND s.epoch = $2" +
          lock,
      bytes(key.install), bytes(key.epoch));
  if (rows.empty()) return std::nullopt;
  const pqxx::row row = rows[0];
  return Known{row[0].as<std::string>(),
               row[1].as<bool>(),
               {row[2].as<std::int64_t>(), unsigned_of(row[3]), 0}};
}

void note_lost(pqxx::transaction_base& work, OpenStream& stream, std::uint64_t first_held,
               std::int64_t now_ms) {
  work.exec_params("INSERT INTO lost VALUES ($1, $2, $3, $4)", stream.id,
                   stream.durable_through + 1, first_held - 1, now_ms);
  stream.lost = first_held - 1 - stream.durable_through;
  stream.durable_through = first_held - 1;
  work.exec_params("UPDATE streams SET durable_through = $2, last_received_ms = $3 WHERE id = $1",
                   stream.id, stream.durable_through, now_ms);
}

}  // namespace

tl::expected<OpenStream, OpenFault> PostgresStore::open_stream(const StreamKey& key,
                                                               const Sender& sender,
                                                               const std::string& agent,
                                                               std::uint64_t first_held,
                                                               std::int64_t now_ms) {
  using Opened = tl::expected<OpenStream, OpenFault>;
  return link_.with([&](pqxx::connection& connection) -> Opened {
    pqxx::work work(connection);
    const auto known = find(work, key, "");
    if (known && known->fault(sender)) return tl::unexpected(*known->fault(sender));
    if (known && first_held <= known->stream.durable_through + 1) return known->stream;
    work.exec_params("INSERT INTO installs VALUES ($1, $2, $3, NULL) ON CONFLICT DO NOTHING",
                     bytes(key.install), sender.user, sender.contributor);
    // The install may be another's, or shut out, without this stream.
    const auto owner = work.exec_params1(
        "SELECT \"user\", quarantine IS NOT NULL FROM installs WHERE install = $1",
        bytes(key.install));
    const Known install{owner[0].as<std::string>(), owner[1].as<bool>(), {}};
    if (install.fault(sender)) return tl::unexpected(*install.fault(sender));
    work.exec_params(
        "INSERT INTO streams (install, epoch, agent, last_received_ms) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        bytes(key.install), bytes(key.epoch), bytes(agent), now_ms);
    OpenStream stream = find(work, key, " FOR UPDATE OF s").value().stream;
    if (first_held > stream.durable_through + 1) note_lost(work, stream, first_held, now_ms);
    work.commit();
    return stream;
  });
}

namespace {

std::uint64_t bytes_in(const std::vector<PendingBatch>& batches) {
  std::uint64_t bytes = 0;
  for (const PendingBatch& batch : batches)
    for (const Entry& entry : batch.entries) bytes += entry.payload.size() + entry.reason.size();
  return bytes;
}

// One commit of many batches: the streams it has locked, and the rows that wait to go in at once.
class GroupCommit {
 public:
  GroupCommit(pqxx::transaction_base& work, std::int64_t now_ms) : work_(work), now_ms_(now_ms) {}

  void lock(const std::vector<PendingBatch>& batches) {
    std::set<std::int64_t> ids;
    for (const PendingBatch& batch : batches) ids.insert(batch.stream);
    const pqxx::result rows = work_.exec_params(
        "SELECT s.id, s.install, s.epoch, s.durable_through, s.expired_through FROM streams s"
        " WHERE s.id = ANY($1) ORDER BY s.id FOR UPDATE",
        array_of(ids));
    for (const auto& row : rows)
      streams_[row[0].as<std::int64_t>()] = {
          {id_of(row[1]), id_of(row[2])}, unsigned_of(row[3]), unsigned_of(row[4])};
    // Read behind the locks: whoever quarantined an install held one of its streams.
    for (const auto& row : work_.exec_params(
             "SELECT DISTINCT i.install FROM installs i JOIN streams s USING (install)"
             " WHERE s.id = ANY($1) AND i.quarantine IS NOT NULL",
             array_of(ids)))
      shut_out_.insert(id_of(row[0]));
  }

  BatchResult store(const PendingBatch& batch) {
    if (shut_out_.contains(batch.key.install)) return {.quarantined = true};
    const auto stream = streams_.find(batch.stream);
    // A database that was restored gives its numbers of streams once more.
    if (stream == streams_.end() || stream->second.key != batch.key) return {.hole = true};
    std::uint64_t& through = stream->second.through;
    Standings standing;
    if (!batch.entries.empty() && batch.entries.front().seq <= through) {
      rows_.write(work_);
      standing = read_standings(work_, batch.stream, batch.entries.front().seq, last_of(batch));
      add_expired(standing, stream->second.expired_through);
    }
    BatchPlan plan = plan_batch(batch, through, standing);
    if (plan.result.quarantined) {
      shut_out_.insert(batch.key.install);
      newly_shut_out_.insert(batch.key.install);
      return {.quarantined = true};
    }
    if (plan.result.hole) return plan.result;
    for (const auto& [first, last] : plan.erase)
      plan.result.erased += erase_rows(work_, batch.stream, first, last);
    for (const auto& [first, last] : plan.found) found_again(work_, batch.stream, first, last);
    for (const BatchPlan::Row& row : plan.insert) rows_.add(batch, row, now_ms_);
    through = plan.result.durable_through;
    moved_.insert(batch.stream);
    return plan.result;
  }

  void finish() {
    rows_.write(work_);
    std::vector<std::uint64_t> ends;
    for (const std::int64_t id : moved_) ends.push_back(streams_.at(id).through);
    if (!moved_.empty())
      work_.exec_params(
          "UPDATE streams SET durable_through = v.through, last_received_ms = $3"
          " FROM unnest($1::bigint[], $2::bigint[]) AS v(id, through) WHERE streams.id = v.id",
          array_of(moved_), array_of(ends), now_ms_);
    for (const schema::WireId& install : newly_shut_out_)
      work_.exec_params(
          "UPDATE installs SET quarantine ="
          " 'two contents under one sequence number: a cloned machine' WHERE install = $1",
          bytes(install));
  }

 private:
  struct Stream {
    StreamKey key;
    std::uint64_t through = 0;
    std::uint64_t expired_through = 0;
  };

  template <class Numbers>
  static std::string array_of(const Numbers& numbers) {
    std::ostringstream out;
    const char* before = "{";
    for (const auto number : numbers) {
      out << before << number;
      before = ",";
    }
    if (numbers.empty()) out << before;
    return out.str() + "}";
  }

  pqxx::transaction_base& work_;
  const std::int64_t now_ms_;
  std::map<std::int64_t, Stream> streams_;
  std::set<schema::WireId> shut_out_;
  std::set<schema::WireId> newly_shut_out_;
  std::set<std::int64_t> moved_;
  NewRows rows_;
};

}  // namespace

std::vector<BatchResult> PostgresStore::commit(const std::vector<PendingBatch>& batches,
                                               std::int64_t now_ms) {
  return link_.with([&](pqxx::connection& connection) {
    pqxx::work work(connection);
    require_room(work, bytes_in(batches));
    GroupCommit group(work, now_ms);
    group.lock(batches);
    std::vector<BatchResult> results;
    results.reserve(batches.size());
    for (const PendingBatch& batch : batches) results.push_back(group.store(batch));
    group.finish();
    work.commit();
    return results;
  });
}

}  // namespace strop::collector
