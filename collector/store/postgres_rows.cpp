#include "collector/store/postgres_rows.h"

#include "collector/store/postgres_values.h"

namespace strop::collector {
namespace {

template <std::size_t kColumns>
void copy(pqxx::transaction_base& work, const std::string& table,
          const std::array<const char*, kColumns>& columns,
          std::vector<std::array<std::string, kColumns>>& rows) {
  if (rows.empty()) return;
  pqxx::stream_to out(work, table, columns);
  for (const auto& row : rows) out << row;
  out.complete();
  rows.clear();
}

}  // namespace

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
  const std::string stream = std::to_string(batch.stream);
  const std::string seq = std::to_string(row.seq);
  const std::string span = std::to_string(row.span);
  const std::string now = std::to_string(now_ms);
  if (entry.rejected)
    dead_.push_back({stream, seq, span, std::string(schema::to_word(*entry.rejected)),
                     copied(entry.reason), now, copied(entry.hash), copied(entry.payload)});
  else
    events_.push_back({stream, seq, span, entry.type, copied(entry.suggestion), batch.contributor,
                       pqxx::to_string(entry.t_ms), now, copied(entry.hash),
                       copied(entry.payload)});
}

void NewRows::write(pqxx::transaction_base& work) {
  copy<10>(work, "events",
           {"stream", "seq", "span", "type", "suggestion", "contributor", "t_ms", "received_ms",
            "hash", "payload"},
           events_);
  copy<8>(work, "dead_letters",
          {"stream", "seq", "span", "code", "reason", "received_ms", "hash", "payload"}, dead_);
}

}  // namespace strop::collector
