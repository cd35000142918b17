#include <set>

#include "collector/store/postgres_rows.h"
#include "collector/store/postgres_store.h"
#include "collector/store/postgres_values.h"
#include "collector/store/tombstone.h"

namespace strop::collector {
namespace {

void add_exports(pqxx::transaction_base& work, const std::string& contributor,
                 std::vector<ExportRecord>& out) {
  for (const auto& row : work.exec_params("SELECT e.at_ms, e.file, l.lines, e.sha256 FROM "
                                          "export_lines l JOIN exports e ON e.id = l.export"
                                          " WHERE l.contributor = $1 ORDER BY e.id",
                                          contributor))
    out.push_back({row[0].as<std::int64_t>(),
                   row[1].as<std::string>(),
                   {},
                   unsigned_of(row[2]),
                   row[3].as<std::string>()});
}

void forget_stream(pqxx::transaction_base& work, std::int64_t stream, std::uint64_t through,
                   std::int64_t now_ms, Forgotten& out) {
  const auto count = work.exec_params1(
      "SELECT (SELECT count(*) FROM events WHERE stream = $1 AND type <> 'gap'),"
      " (SELECT count(*) FROM dead_letters WHERE stream = $1)",
      stream);
  out.events += unsigned_of(count[0]);
  out.dead_letters += unsigned_of(count[1]);
  ++out.streams;
  if (through == 0) return;
  erase_rows(work, stream, 1, through);
  found_again(work, stream, 1, through);
  work.exec_params(
      "UPDATE streams SET expired_through = 0, expired_stored = 0, expired_rejected = 0,"
      " expired_gaps = 0, expired_lost = 0 WHERE id = $1",
      stream);
  const std::string payload = tombstone(through, now_ms);
  work.exec_params(
      "INSERT INTO events (stream, seq, span, type, suggestion, contributor, t_ms, received_ms,"
      " hash, payload) VALUES ($1, 1, $2, 'gap', '', '', $3::bigint, $3::bigint, $4, $4)",
      stream, through, now_ms, bytes(payload));
}

}  // namespace

Forgotten PostgresStore::forget(const std::vector<schema::WireId>& installs, std::int64_t now_ms) {
  Forgotten out = link_.with([&](pqxx::connection& connection) {
    Forgotten done;
    pqxx::work work(connection);
    std::set<std::string> contributors;
    std::map<std::int64_t, std::uint64_t> streams;  // how far each goes
    std::string list;
    for (const schema::WireId& install : installs)
      list += (list.empty() ? "" : ", ") + work.quote_raw(install.data(), install.size());
    if (list.empty()) return done;
    for (const auto& row : work.exec("SELECT s.id, s.durable_through, i.contributor FROM streams s"
                                     " JOIN installs i USING (install) WHERE s.install IN (" +
                                     list + ") ORDER BY s.id FOR UPDATE OF s")) {
      streams[row[0].as<std::int64_t>()] = unsigned_of(row[1]);
      contributors.insert(row[2].as<std::string>());
    }
    for (const auto& [stream, through] : streams)
      forget_stream(work, stream, through, now_ms, done);
    for (const std::string& contributor : contributors)
      add_exports(work, contributor, done.exports);
    work.commit();
    return done;
  });
  link_.with([](pqxx::connection& connection) {
    pqxx::nontransaction(connection).exec("VACUUM events, dead_letters");
    return 0;
  });
  out.remains =
      "PostgreSQL's files hold them until VACUUM FULL strop.events and strop.dead_letters, and its "
      "log (pg_wal, and archives of it) for as long as that is kept";
  return out;
}

bool PostgresStore::readmit(const schema::WireId& install) {
  return link_.with([&](pqxx::connection& connection) {
    pqxx::work work(connection);
    const auto changed = work.exec_params(
        "UPDATE installs SET quarantine = NULL WHERE install = $1 AND quarantine IS NOT NULL",
        bytes(install));
    work.commit();
    return changed.affected_rows() > 0;
  });
}

std::int64_t PostgresStore::note_export(const ExportRecord& record) {
  return link_.with([&](pqxx::connection& connection) {
    pqxx::work work(connection);
    const auto id = work.exec_params1(
                            "INSERT INTO exports (at_ms, file, sha256) VALUES ($1, $2, $3)"
                            " RETURNING id",
                            record.at_ms, record.file, record.sha256)[0]
                        .as<std::int64_t>();
    for (const auto& [contributor, lines] : record.lines_by_contributor)
      work.exec_params("INSERT INTO export_lines VALUES ($1, $2, $3)", contributor, id, lines);
    work.commit();
    return id;
  });
}

void PostgresStore::drop_export(std::int64_t noted) {
  link_.with([&](pqxx::connection& connection) {
    pqxx::work work(connection);
    work.exec_params("DELETE FROM export_lines WHERE export = $1", noted);
    work.exec_params("DELETE FROM exports WHERE id = $1", noted);
    work.commit();
    return 0;
  });
}

}  // namespace strop::collector
