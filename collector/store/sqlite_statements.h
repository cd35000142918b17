// The statements that SqliteStore uses again and again, and the values in its columns.
//
// Included by the sqlite_….cpp files alone, each of which is one part of the store: its file
// (sqlite_store), what comes in (sqlite_batches), what is read (sqlite_records), what is forgotten
// and exported (sqlite_erasure), what comes of age (sqlite_upkeep). One thread at a time, the
// store's. Errors: as sqlite.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "collector/store/sqlite.h"
#include "collector/store/sqlite_store.h"

namespace strop::collector {

inline schema::WireId id_of(const std::string& blob) {
  schema::WireId id{};
  std::copy_n(blob.begin(), std::min(blob.size(), id.size()), id.begin());
  return id;
}

inline std::span<const std::uint8_t> blob(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

inline std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

struct SqliteStore::Statements {
  explicit Statements(Database& db)
      : find_install(db, "SELECT user, quarantine FROM installs WHERE install = ?1"),
        add_install(db, "INSERT INTO installs VALUES (?1, ?2, ?3, NULL)"),
        quarantine(db, "UPDATE installs SET quarantine = ?2 WHERE install = ?1"),
        find_stream(db,
                    "SELECT id, durable_through FROM streams WHERE install = ?1 AND epoch = ?2"),
        add_stream(db,
                   "INSERT INTO streams (install, epoch, agent, last_received_ms)"
                   " VALUES (?1, ?2, ?3, ?4)"),
        through(db, "SELECT durable_through, expired_through FROM streams WHERE id = ?1"),
        advance(db, "UPDATE streams SET durable_through = ?2, last_received_ms = ?3 WHERE id = ?1"),
        add_event(db,
                  "INSERT INTO events (stream, seq, span, type, suggestion, contributor, t_ms,"
                  " received_ms, hash, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
        add_dead(db, "INSERT INTO dead_letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        standing_events(db,
                        "SELECT seq, span, hash, type = 'gap' FROM events WHERE stream = ?1"
                        " AND seq <= ?3 AND seq >= coalesce((SELECT max(seq) FROM events"
                        " WHERE stream = ?1 AND seq <= ?2), 0)"),
        standing_dead(db,
                      "SELECT seq, span, hash, 0 FROM dead_letters WHERE stream = ?1"
                      " AND seq <= ?3 AND seq >= coalesce((SELECT max(seq) FROM dead_letters"
                      " WHERE stream = ?1 AND seq <= ?2), 0)"),
        erase_events(db, "DELETE FROM events WHERE stream = ?1 AND seq BETWEEN ?2 AND ?3"),
        erase_dead(db, "DELETE FROM dead_letters WHERE stream = ?1 AND seq BETWEEN ?2 AND ?3"),
        changes(db, "SELECT changes()"),
        add_lost(db, "INSERT INTO lost VALUES (?1, ?2, ?3, ?4)"),
        overlapping_lost(db,
                         "SELECT first_seq, last_seq, noticed_ms FROM lost"
                         " WHERE stream = ?1 AND first_seq <= ?3 AND last_seq >= ?2 LIMIT 1"),
        remove_lost(db, "DELETE FROM lost WHERE stream = ?1 AND first_seq = ?2"),
        probe(db, "UPDATE probe SET at_ms = at_ms + 1"),
        probe_much(db, "UPDATE probe SET at_ms = zeroblob(?1)") {}

  Statement find_install, add_install, quarantine, find_stream, add_stream, through, advance,
      add_event, add_dead, standing_events, standing_dead, erase_events, erase_dead, changes,
      add_lost, overlapping_lost, remove_lost, probe, probe_much;
};

}  // namespace strop::collector
