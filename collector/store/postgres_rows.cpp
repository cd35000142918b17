#include "collector/store/postgres_rows.h"

#include "collector/store/postgres_values.h"

namespace strop::collector {

Standings read_standings(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t first,
                         std::uint64_t last) {
  Standings out;
  // The row that covers `first` may begin before it.
  for (const auto& row : work.exec_params(
           "SELECT seq, span, type = 'gap', hash FROM events WHERE stream = $1 AND seq <= $3"
           " AND seq >= coalesce((SELECT max(seq) FROM events WHERE stream = $1 AND seq <= $2), 0)"
           " UNION ALL"
           " SELECT seq, span, false, hash FROM dead_letters WHERE stream = $1 AND seq <= $3"
           " AND seq >= coalesce((SELECT max(seq) FROM dead_letters WHERE stream = $1"
           " AND seq <= $2), 0)",
           stream, first, last))
    out[unsigned_of(row[0])] = {unsigned_of(row[1]), row[2].as<bool>(), bytes_of(row[3])};
  return out;
}

std::uint64_t erase_rows(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t first,
                         std::uint64_t last) {
  std::uint64_t erased = 0;
  for (const char* table : {"events", "dead_letters"})
    erased += work.exec_params(std::string("DELETE FROM ") + table +
                                   " WHERE stream = $1 AND seq BETWEEN $2 AND $3",
                               stream, first, last)
                  .affected_rows();
  return erased;
}

void found_again(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t first,
                 std::uint64_t last) {
  const pqxx::result cut = work.exec_params(
      "DELETE FROM lost WHERE stream = $1 AND first_seq <= $3 AND last_seq >= $2"
      " RETURNING first_seq, last_seq, noticed_ms",
      stream, first, last);
  const auto keep = [&](std::uint64_t from, std::uint64_t to, std::int64_t noticed_ms) {
    if (from <= to)
      work.exec_params("INSERT INTO lost VALUES ($1, $2, $3, $4)", stream, from, to, noticed_ms);
  };
  for (const auto& row : cut) {
    keep(unsigned_of(row[0]), first - 1, row[2].as<std::int64_t>());
    keep(last + 1, unsigned_of(row[1]), row[2].as<std::int64_t>());
  }
}

void NewRows::add(const PendingBatch& batch, const BatchPlan::Row& row, std::int64_t now_ms) {
  const Entry& entry = *row.entry;
  const auto add_shared = [&](auto& rows) {
    rows.stream.add(batch.stream);
    rows.seq.add(static_cast<std::int64_t>(row.seq));
    rows.span.add(static_cast<std::int64_t>(row.span));
    rows.received_ms.add(now_ms);
    rows.hash.add(entry.hash);
    rows.payload.add(entry.payload);
  };
  if (entry.rejected) {
    add_shared(dead_);
    dead_.code.add(schema::to_word(*entry.rejected));
    dead_.reason.add(entry.reason);
  } else {
    add_shared(events_);
    events_.type.add(entry.type);
    events_.suggestion.add(entry.suggestion);
    events_.contributor.add(batch.contributor);
    events_.t_ms.add(entry.t_ms);
  }
}

void NewRows::write(pqxx::transaction_base& work) {
  if (!events_.stream.empty())
    work.exec_params(
        "INSERT INTO events (stream, seq, span, type, suggestion, contributor, t_ms, received_ms,"
        " hash, payload) SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]),"
        " unnest($4::text[]), unnest($5::bytea[]), unnest($6::text[]), unnest($7::float8[]),"
        " unnest($8::bigint[]), unnest($9::bytea[]), unnest($10::bytea[])",
        events_.stream.take(), events_.seq.take(), events_.span.take(), events_.type.take(),
        events_.suggestion.take(), events_.contributor.take(), events_.t_ms.take(),
        events_.received_ms.take(), events_.hash.take(), events_.payload.take());
  if (!dead_.stream.empty())
    work.exec_params(
        "INSERT INTO dead_letters (stream, seq, span, code, reason, received_ms, hash, payload)"
        " SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]),"
        " unnest($4::text[]), unnest($5::bytea[]), unnest($6::bigint[]), unnest($7::bytea[]),"
        " unnest($8::bytea[])",
        dead_.stream.take(), dead_.seq.take(), dead_.span.take(), dead_.code.take(),
        dead_.reason.take(), dead_.received_ms.take(), dead_.hash.take(), dead_.payload.take());
}

}  // namespace strop::collector
