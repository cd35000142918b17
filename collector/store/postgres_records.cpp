#include <atomic>

#include "collector/store/postgres_store.h"
#include "collector/store/postgres_values.h"

namespace strop::collector {
namespace {

constexpr const char* kEventColumns =
    "e.id, s.install, s.epoch, e.seq, e.type, e.suggestion, e.contributor,"
    " e.t_ms, e.received_ms, e.payload FROM events e JOIN streams s ON s.id = e.stream ";

StoredEvent event_in(const pqxx::row& row) {
  return {row[0].as<std::int64_t>(), {id_of(row[1]), id_of(row[2])},
          unsigned_of(row[3]),       row[4].as<std::string>(),
          bytes_of(row[5]),          row[6].as<std::string>(),
          row[7].as<double>(),       row[8].as<std::int64_t>(),
          bytes_of(row[9])};
}

// Row by row by a cursor: the answer may be larger than memory.
void each_row(pqxx::transaction_base& work, const std::string& query,
              const std::function<bool(const pqxx::row&)>& visit) {
  static std::atomic<unsigned> count{0};
  const std::string name = "rows" + std::to_string(++count);
  work.exec("DECLARE " + name + " NO SCROLL CURSOR FOR " + query);
  for (bool more = true; more;) {
    const pqxx::result rows = work.exec("FETCH 256 FROM " + name);
    more = !rows.empty();
    for (const auto& row : rows) {
      more = visit(row);
      if (!more) break;
    }
  }
  work.exec("CLOSE " + name);
}

}  // namespace

void PostgresStore::read(const std::function<void(pqxx::transaction_base&)>& reading) {
  link_.with([&](pqxx::connection& connection) {
    try {
      if (held_view_) {
        reading(*held_view_);
      } else {
        pqxx::work work(connection);
        reading(work);
      }
    } catch (...) {
      held_view_.reset();  // it must not outlive the connection
      throw;
    }
    return 0;
  });
}

void PostgresStore::hold_view() {
  link_.with([&](pqxx::connection& connection) {
    held_view_ = std::make_unique<pqxx::transaction<pqxx::repeatable_read>>(connection);
    held_view_->exec("SELECT count(*) FROM streams");  // the view begins with the first read
    return 0;
  });
}

void PostgresStore::scan(std::int64_t after, const std::function<bool(const StoredEvent&)>& visit) {
  read([&](pqxx::transaction_base& work) {
    each_row(work,
             std::string("SELECT ") + kEventColumns + "WHERE e.id > " + std::to_string(after) +
                 " ORDER BY e.id",
             [&](const pqxx::row& row) { return visit(event_in(row)); });
  });
}

void PostgresStore::scan_suggestions(
    const std::function<bool(const std::vector<StoredEvent>&)>& visit) {
  std::vector<StoredEvent> events;
  bool more = true;
  read([&](pqxx::transaction_base& work) {
    each_row(work,
             std::string("SELECT ") + kEventColumns +
                 "JOIN (SELECT stream, suggestion, min(id) AS first FROM events"
                 " WHERE suggestion <> '' GROUP BY stream, suggestion) f"
                 " ON f.stream = e.stream AND f.suggestion = e.suggestion ORDER BY f.first, e.seq",
             [&](const pqxx::row& row) {
               StoredEvent event = event_in(row);
               const bool another =
                   !events.empty() && (events.front().key != event.key ||
                                       events.front().suggestion != event.suggestion);
               if (another) {
                 more = visit(events);
                 events.clear();
               }
               events.push_back(std::move(event));
               return more;
             });
    if (more && !events.empty()) visit(events);
  });
}

std::vector<LedgerRow> PostgresStore::ledger(const std::optional<schema::WireId>& install) {
  std::vector<LedgerRow> out;
  read([&](pqxx::transaction_base& work) {
    const std::string only =
        install ? " WHERE s.install = " + work.quote_raw(install->data(), install->size()) : "";
    each_row(
        work,
        "SELECT s.install, s.epoch, i.contributor, s.agent, s.durable_through, s.last_received_ms,"
        " i.quarantine, (coalesce(e.stored, 0) + s.expired_stored)::bigint,"
        " (coalesce(e.gaps, 0) + s.expired_gaps)::bigint,"
        " (coalesce(d.numbers, 0) + s.expired_rejected)::bigint,"
        " (coalesce(l.numbers, 0) + s.expired_lost)::bigint, s.expired_stored + s.expired_rejected"
        " FROM streams s JOIN installs i USING (install)"
        " LEFT JOIN (SELECT stream, sum(span) FILTER (WHERE type <> 'gap') AS stored,"
        "   sum(span) FILTER (WHERE type = 'gap') AS gaps FROM events GROUP BY stream) e"
        "   ON e.stream = s.id"
        " LEFT JOIN (SELECT stream, sum(span) AS numbers FROM dead_letters GROUP BY stream) d"
        "   ON d.stream = s.id"
        " LEFT JOIN (SELECT stream, sum(last_seq - first_seq + 1) AS numbers FROM lost"
        "   GROUP BY stream) l ON l.stream = s.id" +
            only + " ORDER BY s.install, s.id",
        [&](const pqxx::row& row) {
          LedgerRow line;
          line.key = {id_of(row[0]), id_of(row[1])};
          line.contributor = row[2].as<std::string>();
          line.agent = bytes_of(row[3]);
          line.through = unsigned_of(row[4]);
          line.last_received_ms = row[5].as<std::int64_t>();
          if (!row[6].is_null()) line.quarantine = row[6].as<std::string>();
          line.stored = unsigned_of(row[7]);
          line.gaps = unsigned_of(row[8]);
          line.rejected = unsigned_of(row[9]);
          line.lost = unsigned_of(row[10]);
          line.expired = unsigned_of(row[11]);
          out.push_back(std::move(line));
          return true;
        });
  });
  return out;
}

void PostgresStore::dead_letters(const std::function<bool(const DeadLetter&)>& visit) {
  read([&](pqxx::transaction_base& work) {
    each_row(work,
             "SELECT s.install, s.epoch, d.seq, d.code, d.reason, d.received_ms, d.payload, d.span"
             " FROM dead_letters d JOIN streams s ON s.id = d.stream"
             " ORDER BY d.received_ms, d.stream, d.seq",
             [&](const pqxx::row& row) {
               return visit({{id_of(row[0]), id_of(row[1])},
                             unsigned_of(row[2]),
                             row[3].as<std::string>(),
                             bytes_of(row[4]),
                             row[5].as<std::int64_t>(),
                             bytes_of(row[6]),
                             row[7].as<std::uint32_t>()});
             });
  });
}

}  // namespace strop::collector
