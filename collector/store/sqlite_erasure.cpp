#include <map>
#include <set>

#include "collector/store/sqlite_statements.h"
#include "collector/store/tombstone.h"

namespace strop::collector {
std::vector<ExportRecord> SqliteStore::exports_with(const std::string& contributor) {
  std::vector<ExportRecord> out;
  Statement rows(*db_,
                 "SELECT e.at_ms, e.file, l.lines, e.sha256 FROM export_lines l JOIN exports e"
                 " ON e.id = l.export WHERE l.contributor = ?1 ORDER BY e.id");
  rows.with(contributor);
  while (rows.step())
    out.push_back({rows.number(0), rows.text(1), {}, unsigned_of(rows.number(2)), rows.text(3)});
  return out;
}

Forgotten SqliteStore::forget(const std::vector<schema::WireId>& installs, std::int64_t now_ms) {
  Forgotten out;
  Transaction transaction(*db_);
  std::set<std::string> contributors;
  for (const schema::WireId& install : installs) {
    std::map<std::int64_t, std::uint64_t> ends;  // of each stream
    Statement streams(*db_,
                      "SELECT s.id, s.durable_through, i.contributor FROM streams s"
                      " JOIN installs i USING (install) WHERE s.install = ?1");
    streams.with(install);
    while (streams.step()) {
      ends[streams.number(0)] = unsigned_of(streams.number(1));
      contributors.insert(streams.text(2));
    }
    streams.reset();
    for (const auto& [stream, through] : ends) {
      Statement count(*db_,
                      "SELECT (SELECT count(*) FROM events WHERE stream = ?1 AND type <> 'gap'),"
                      " (SELECT count(*) FROM dead_letters WHERE stream = ?1)");
      count.with(stream).step();
      out.events += unsigned_of(count.number(0));
      out.dead_letters += unsigned_of(count.number(1));
      count.reset();
      ++out.streams;
      if (through == 0) continue;
      erase(stream, 1, through);
      found_again(stream, 1, through);
      Statement(*db_,
                "UPDATE streams SET expired_through = 0, expired_stored = 0, expired_rejected = 0,"
                " expired_gaps = 0, expired_lost = 0 WHERE id = ?1")
          .with(stream)
          .run();
      const std::string payload = tombstone(through, now_ms);
      const std::string contributor;  // nobody's any more
      Statement(*db_,
                "INSERT INTO events (stream, seq, span, type, suggestion, contributor, t_ms,"
                " received_ms, hash, payload) VALUES (?1, 1, ?2, 'gap', '', ?3, ?4, ?4, ?5, ?6)")
          .with(stream, through, contributor, now_ms, blob(payload), payload)
          .run();
    }
  }
  transaction.commit();
  for (const std::string& contributor : contributors)
    for (ExportRecord& record : exports_with(contributor)) out.exports.push_back(std::move(record));
  out.log_cleared = db_->clear_log();
  if (!out.log_cleared)
    out.remains =
        "the store's log (-wal) holds them while somebody reads the store; run this again when "
        "that has ended";
  return out;
}

bool SqliteStore::readmit(const schema::WireId& install) {
  Transaction transaction(*db_);
  Statement(*db_,
            "UPDATE installs SET quarantine = NULL"
            " WHERE install = ?1 AND quarantine IS NOT NULL")
      .with(install)
      .run();
  statements_->changes.with().step();
  const bool changed = statements_->changes.number(0) > 0;
  statements_->changes.reset();
  transaction.commit();
  return changed;
}

std::int64_t SqliteStore::note_export(const ExportRecord& record) {
  Transaction transaction(*db_);
  Statement(*db_, "INSERT INTO exports (at_ms, file, sha256) VALUES (?1, ?2, ?3)")
      .with(record.at_ms, record.file, record.sha256)
      .run();
  const std::int64_t id = db_->last_row_id();
  Statement line(*db_, "INSERT INTO export_lines VALUES (?1, ?2, ?3)");
  for (const auto& [contributor, lines] : record.lines_by_contributor)
    line.with(contributor, id, lines).run();
  transaction.commit();
  return id;
}

void SqliteStore::drop_export(std::int64_t noted) {
  Transaction transaction(*db_);
  Statement(*db_, "DELETE FROM export_lines WHERE export = ?1").with(noted).run();
  Statement(*db_, "DELETE FROM exports WHERE id = ?1").with(noted).run();
  transaction.commit();
}

}  // namespace strop::collector
