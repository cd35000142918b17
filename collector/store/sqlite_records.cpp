#include <algorithm>
#include <map>
#include <utility>

#include "collector/store/sqlite_statements.h"

namespace strop::collector {
namespace {

constexpr const char* kEventColumns =
    "SELECT e.id, s.install, s.epoch, e.seq, e.type, e.suggestion, e.contributor,"
    " e.t_ms, e.received_ms, e.payload FROM events e JOIN streams s ON s.id = e.stream ";

StoredEvent event_in(const Statement& row) {
  return {row.number(0),
          {id_of(row.text(1)), id_of(row.text(2))},
          unsigned_of(row.number(3)),
          row.text(4),
          row.text(5),
          row.text(6),
          row.real(7),
          row.number(8),
          row.text(9)};
}

}  // namespace

void SqliteStore::scan(std::int64_t after, const std::function<bool(const StoredEvent&)>& visit) {
  Statement rows(*db_, std::string(kEventColumns) + "WHERE e.id > ?1 ORDER BY e.id");
  rows.with(after);
  while (rows.step())
    if (!visit(event_in(rows))) return;
}

void SqliteStore::scan_suggestions(
    const std::function<bool(const std::vector<StoredEvent>&)>& visit) {
  // First the ids alone, brought together by suggestion; the payloads are read one by one.
  using Place = std::pair<std::uint32_t, std::int64_t>;  // suggestion in order of firsts, event id
  std::vector<Place> places;
  {
    std::map<std::pair<std::int64_t, std::string>, std::uint32_t> numbers;
    Statement rows(*db_,
                   "SELECT id, stream, suggestion FROM events WHERE suggestion <> '' ORDER BY id");
    while (rows.step()) {
      const auto number = static_cast<std::uint32_t>(numbers.size());
      const auto found = numbers.try_emplace({rows.number(1), rows.text(2)}, number).first;
      places.emplace_back(found->second, rows.number(0));
    }
  }
  std::sort(places.begin(), places.end());
  Statement read(*db_, std::string(kEventColumns) + "WHERE e.id = ?1");
  std::vector<StoredEvent> events;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (read.with(places[i].second).step()) events.push_back(event_in(read));
    read.reset();
    const bool last = i + 1 == places.size() || places[i + 1].first != places[i].first;
    if (!last) continue;
    std::sort(events.begin(), events.end(),
              [](const StoredEvent& a, const StoredEvent& b) { return a.seq < b.seq; });
    if (!events.empty() && !visit(events)) return;
    events.clear();
  }
}

void SqliteStore::hold_view() {
  db_->run("BEGIN");                            // ends with the connection
  db_->number("SELECT count(*) FROM streams");  // the view begins with the first read
}

std::vector<LedgerRow> SqliteStore::ledger(const std::optional<schema::WireId>& install) {
  std::vector<LedgerRow> out;
  Statement rows(
      *db_,
      "SELECT s.install, s.epoch, i.contributor, s.agent, s.durable_through, s.last_received_ms,"
      " i.quarantine,"
      " (SELECT coalesce(sum(span), 0) FROM events WHERE stream = s.id AND type <> 'gap'),"
      " (SELECT coalesce(sum(span), 0) FROM events WHERE stream = s.id AND type = 'gap'),"
      " (SELECT coalesce(sum(span), 0) FROM dead_letters WHERE stream = s.id),"
      " (SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM lost WHERE stream = s.id),"
      " s.expired_stored, s.expired_gaps, s.expired_rejected, s.expired_lost"
      " FROM streams s JOIN installs i USING (install) ORDER BY s.install, s.id");
  while (rows.step()) {
    LedgerRow row;
    row.key = {id_of(rows.text(0)), id_of(rows.text(1))};
    if (install && row.key.install != *install) continue;
    row.contributor = rows.text(2);
    row.agent = rows.text(3);
    row.through = unsigned_of(rows.number(4));
    row.last_received_ms = rows.number(5);
    if (!rows.null(6)) row.quarantine = rows.text(6);
    row.stored = unsigned_of(rows.number(7) + rows.number(11));
    row.gaps = unsigned_of(rows.number(8) + rows.number(12));
    row.rejected = unsigned_of(rows.number(9) + rows.number(13));
    row.lost = unsigned_of(rows.number(10) + rows.number(14));
    row.expired = unsigned_of(rows.number(11) + rows.number(13));
    out.push_back(std::move(row));
  }
  return out;
}

void SqliteStore::dead_letters(const std::function<bool(const DeadLetter&)>& visit) {
  Statement rows(
      *db_,
      "SELECT s.install, s.epoch, d.seq, d.code, d.reason, d.received_ms, d.payload, d.span"
      " FROM dead_letters d JOIN streams s ON s.id = d.stream"
      " ORDER BY d.received_ms, d.stream, d.seq");
  while (rows.step()) {
    const DeadLetter letter{{id_of(rows.text(0)), id_of(rows.text(1))},
                            unsigned_of(rows.number(2)),
                            rows.text(3),
                            rows.text(4),
                            rows.number(5),
                            rows.text(6),
                            static_cast<std::uint32_t>(rows.number(7))};
    if (!visit(letter)) return;
  }
}

}  // namespace strop::collector
