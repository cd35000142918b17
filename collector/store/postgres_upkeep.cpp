#include <array>

#include "collector/store/postgres_rows.h"
#include "collector/store/postgres_store.h"
#include "collector/store/postgres_values.h"

namespace strop::collector {
namespace {

// As far as all is so old.
void expire_stream(pqxx::transaction_base& work, std::int64_t stream, std::int64_t before_ms,
                   std::size_t most, Expired& out) {
  work.exec_params("SELECT id FROM streams WHERE id = $1 FOR UPDATE", stream);
  std::array<std::int64_t, 3> numbers{};  // of events, of gaps, of dead letters
  std::uint64_t through = 0;
  for (const auto& row : work.exec_params(
           "(SELECT seq, span, CASE type WHEN 'gap' THEN 1 ELSE 0 END, received_ms FROM events"
           " WHERE stream = $1 ORDER BY seq LIMIT $2)"
           " UNION ALL (SELECT seq, span, 2, received_ms FROM dead_letters WHERE stream = $1"
           " ORDER BY seq LIMIT $2) ORDER BY 1 LIMIT $2",
           stream, most)) {
    if (row[3].as<std::int64_t>() >= before_ms) break;
    const auto kind = row[2].as<std::size_t>();
    numbers.at(kind) += row[1].as<std::int64_t>();
    through = unsigned_of(row[0]) + unsigned_of(row[1]) - 1;
    ++(kind == 0 ? out.events : kind == 1 ? out.gaps : out.dead_letters);
  }
  if (through == 0) return;
  erase_rows(work, stream, 1, through);
  const auto lost = work.exec_params1(
      "WITH gone AS (DELETE FROM lost WHERE stream = $1 AND last_seq <= $2"
      " RETURNING last_seq - first_seq + 1 AS numbers)"
      " SELECT coalesce(sum(numbers), 0)::bigint FROM gone",
      stream, through)[0];
  work.exec_params(
      "UPDATE streams SET expired_through = $2, expired_stored = expired_stored + $3,"
      " expired_gaps = expired_gaps + $4, expired_rejected = expired_rejected + $5,"
      " expired_lost = expired_lost + $6 WHERE id = $1",
      stream, through, numbers[0], numbers[1], numbers[2], lost.as<std::int64_t>());
}

}  // namespace

bool PostgresStore::replay(const DeadLetter& letter, const Entry& today) {
  return link_.with([&](pqxx::connection& connection) {
    pqxx::work work(connection);
    const pqxx::result found = work.exec_params(
        "SELECT s.id FROM streams s JOIN dead_letters d ON d.stream = s.id"
        " WHERE s.install = $1 AND s.epoch = $2 AND d.seq = $3 FOR UPDATE OF s",
        bytes(letter.key.install), bytes(letter.key.epoch), letter.seq);
    if (found.empty()) return false;
    const auto stream = found[0][0].as<std::int64_t>();
    std::uint64_t changed = 0;
    if (today.rejected)
      changed = work.exec_params(
                        "UPDATE dead_letters SET code = $3, reason = $4, payload = $5"
                        " WHERE stream = $1 AND seq = $2",
                        stream, letter.seq, std::string(schema::to_word(*today.rejected)),
                        bytes(today.reason), bytes(today.payload))
                    .affected_rows();
    else
      changed = work.exec_params(
                        "WITH letter AS (DELETE FROM dead_letters WHERE stream = $1 AND seq = $2"
                        " RETURNING *) INSERT INTO events (stream, seq, span, type, suggestion,"
                        " contributor, t_ms, received_ms, hash, payload)"
                        " SELECT l.stream, l.seq, l.span, $3, $4, i.contributor, $5, l.received_ms,"
                        " l.hash, $6 FROM letter l JOIN streams s ON s.id = l.stream"
                        " JOIN installs i USING (install)",
                        stream, letter.seq, today.type, bytes(today.suggestion), today.t_ms,
                        bytes(today.payload))
                    .affected_rows();
    work.commit();
    return changed > 0;
  });
}

Expired PostgresStore::expire(std::int64_t before_ms, std::int64_t after, std::size_t most) {
  return link_.with([&](pqxx::connection& connection) {
    Expired out;
    out.after = after;
    pqxx::work work(connection);
    const pqxx::result streams = work.exec_params(
        "SELECT id FROM streams WHERE id > $1 AND expired_through < durable_through"
        " ORDER BY id LIMIT $2",
        after, most);
    out.done = static_cast<std::size_t>(streams.size()) < most;
    for (const auto& row : streams) {
      const auto stream = row[0].as<std::int64_t>();
      expire_stream(work, stream, before_ms, most - rows_of(out), out);
      if (rows_of(out) >= most) {
        out.done = false;  // there may be more of this one
        break;
      }
      out.after = stream;
    }
    work.commit();
    return out;
  });
}

}  // namespace strop::collector
