#include <array>
#include <vector>

#include "collector/store/sqlite_statements.h"

namespace strop::collector {

bool SqliteStore::replay(const DeadLetter& letter, const Entry& today) {
  Transaction transaction(*db_);
  Statement find(*db_,
                 "SELECT s.id, i.contributor, d.span, d.received_ms, d.hash FROM dead_letters d"
                 " JOIN streams s ON s.id = d.stream JOIN installs i USING (install)"
                 " WHERE s.install = ?1 AND s.epoch = ?2 AND d.seq = ?3");
  if (!find.with(letter.key.install, letter.key.epoch, letter.seq).step()) return false;
  const std::int64_t stream = find.number(0);
  const std::string contributor = find.text(1);
  const std::int64_t span = find.number(2);
  const std::int64_t received_ms = find.number(3);
  const std::string hash = find.text(4);  // of the payload as it came
  find.reset();
  if (today.rejected) {
    Statement(*db_,
              "UPDATE dead_letters SET code = ?3, reason = ?4, payload = ?5"
              " WHERE stream = ?1 AND seq = ?2")
        .with(stream, letter.seq, schema::to_word(*today.rejected), today.reason, today.payload)
        .run();
  } else {
    statements_->erase_dead.with(stream, letter.seq, letter.seq).run();
    statements_->add_event
        .with(stream, letter.seq, span, today.type, today.suggestion, contributor, today.t_ms,
              received_ms, blob(hash), today.payload)
        .run();
  }
  transaction.commit();
  return true;
}

Expired SqliteStore::expire(std::int64_t before_ms, std::int64_t after, std::size_t most) {
  Expired out;
  out.after = after;
  std::vector<std::int64_t> streams;
  Statement next(*db_,
                 "SELECT id FROM streams WHERE id > ?1 AND expired_through < durable_through"
                 " ORDER BY id LIMIT ?2");
  next.with(after, std::uint64_t{most});
  while (next.step()) streams.push_back(next.number(0));
  next.reset();
  out.done = streams.size() < most;
  Transaction transaction(*db_);
  for (const std::int64_t stream : streams) {
    expire_stream(stream, before_ms, most - rows_of(out), out);
    if (rows_of(out) >= most) {
      out.done = false;  // there may be more of this one
      break;
    }
    out.after = stream;
  }
  transaction.commit();
  if (out.events + out.dead_letters > 0) erased_in_log_ = true;
  return out;
}

void SqliteStore::expire_stream(std::int64_t stream, std::int64_t before_ms, std::size_t most,
                                Expired& out) {
  Statement rows(*db_,
                 "SELECT seq, span, type = 'gap', received_ms FROM events WHERE stream = ?1"
                 " UNION ALL SELECT seq, span, 2, received_ms FROM dead_letters WHERE stream = ?1"
                 " ORDER BY 1 LIMIT ?2");
  rows.with(stream, std::uint64_t{most});
  std::array<std::int64_t, 3> numbers{};  // of events, of gaps, of dead letters
  std::uint64_t through = 0;
  while (rows.step() && rows.number(3) < before_ms) {
    const std::int64_t kind = rows.number(2);
    numbers.at(static_cast<std::size_t>(kind)) += rows.number(1);
    through = unsigned_of(rows.number(0) + rows.number(1)) - 1;
    ++(kind == 0 ? out.events : kind == 1 ? out.gaps : out.dead_letters);
  }
  rows.reset();
  if (through == 0) return;
  Statement lost(*db_,
                 "SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM lost"
                 " WHERE stream = ?1 AND last_seq <= ?2");
  lost.with(stream, through).step();
  const std::int64_t lost_numbers = lost.number(0);
  lost.reset();
  erase(stream, 1, through);
  Statement(*db_, "DELETE FROM lost WHERE stream = ?1 AND last_seq <= ?2")
      .with(stream, through)
      .run();
  Statement(*db_,
            "UPDATE streams SET expired_through = ?2, expired_stored = expired_stored + ?3,"
            " expired_gaps = expired_gaps + ?4, expired_rejected = expired_rejected + ?5,"
            " expired_lost = expired_lost + ?6 WHERE id = ?1")
      .with(stream, through, numbers[0], numbers[1], numbers[2], lost_numbers)
      .run();
}

}  // namespace strop::collector
