#include "collector/store/sqlite_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "collector/owned_file.h"
#include "collector/store/schema.h"
#include "collector/store/sqlite.h"
#include "schema/event.h"

namespace strop::collector {
namespace {

constexpr int kBusyTimeoutMs = 10000;

schema::WireId id_of(const std::string& blob) {
  schema::WireId id{};
  std::copy_n(blob.begin(), std::min(blob.size(), id.size()), id.begin());
  return id;
}

std::span<const std::uint8_t> blob(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// Takes the lock that makes this process the store's one receiver; the kernel gives it back however
// the process ends.
int take_lock(const std::filesystem::path& file) {
  const std::string lock = file.string() + ".lock";
  const int fd = open_owned(lock, O_RDWR);
  if (fd < 0)
    throw StoreError(StoreFault::kUnusable, "cannot create " + lock + ": " + std::strerror(errno) +
                                                "; the store's folder must exist and be writable");
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  throw StoreError(StoreFault::kBusy, "the store " + file.string() +
                                          " is locked: another strop-collector serves it; end that "
                                          "one, or give another --store");
}

// SQLite makes its file readable for all that the umask allows; a store is its owner's alone. The
// log (-wal, -shm) SQLite itself makes as the file is: same mode, and same owner when root made it.
void create_private(const std::filesystem::path& file) {
  const int fd = open_owned(file, O_RDWR);
  if (fd < 0)
    throw StoreError(StoreFault::kUnusable,
                     "cannot create the store " + file.string() + ": " + std::strerror(errno));
  ::close(fd);
}

// A new file is there after a power cut only if its folder is on disk too.
void sync_folder(const std::filesystem::path& file) {
  const auto folder = std::filesystem::absolute(file).parent_path();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const int result = ::fsync(fd);
  ::close(fd);
  if (result != 0)
    throw StoreError(StoreFault::kUnusable,
                     "cannot sync " + folder.string() + ": " + std::strerror(errno));
}

void sync_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!synced)
    throw StoreError(StoreFault::kUnusable,
                     "cannot sync " + file.string() + ": " + std::strerror(error));
}

int open_flags(StoreAccess access) {
  return access == StoreAccess::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
}

}  // namespace

namespace {

// What stands where an install's events were.
schema::Event tombstone(std::uint64_t through, std::int64_t now_ms) {
  schema::Event event;
  event.t_ms = static_cast<double>(now_ms);
  event.source = schema::Source::kEdit;
  event.body = schema::Gap{1, through, "forgotten at the collector"};
  return event;
}

}  // namespace

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
        through(db, "SELECT durable_through FROM streams WHERE id = ?1"),
        advance(db, "UPDATE streams SET durable_through = ?2, last_received_ms = ?3 WHERE id = ?1"),
        add_event(db,
                  "INSERT INTO events (stream, seq, span, type, suggestion, contributor, t_ms,"
                  " received_ms, hash, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
        add_dead(db, "INSERT INTO dead_letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        covering_event(db,
                       "SELECT seq, span, hash, type FROM events WHERE stream = ?1 AND seq <= ?2"
                       " ORDER BY seq DESC LIMIT 1"),
        covering_dead(db,
                      "SELECT seq, span, hash FROM dead_letters WHERE stream = ?1 AND seq <= ?2"
                      " ORDER BY seq DESC LIMIT 1"),
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
      add_event, add_dead, covering_event, covering_dead, erase_events, erase_dead, changes,
      add_lost, overlapping_lost, remove_lost, probe, probe_much;
};

SqliteStore::SqliteStore(const std::filesystem::path& file, StoreAccess access) {
  if (access == StoreAccess::kReceiver) {
    lock_fd_ = take_lock(file);
    try {
      create_private(file);
    } catch (...) {
      ::close(lock_fd_);
      throw;
    }
  }
  try {
    open(file, access);
  } catch (...) {
    if (lock_fd_ >= 0) ::close(lock_fd_);
    throw;
  }
}

SqliteStore::~SqliteStore() {
  statements_.reset();
  db_.reset();
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

void SqliteStore::check() {
  const std::string found = db_->text("PRAGMA quick_check(1)");
  if (found != "ok")
    throw StoreError(StoreFault::kCorrupt, "the store " + file_.string() + " is damaged: " + found +
                                               "; restore a backup, or move the file away");
}

void SqliteStore::open(const std::filesystem::path& file, StoreAccess access) {
  file_ = file;
  db_ = std::make_unique<Database>(file, open_flags(access));
  db_->wait_when_busy(kBusyTimeoutMs);
  db_->run("PRAGMA foreign_keys = ON");
  db_->run("PRAGMA secure_delete = ON");  // what is erased is gone from the file
  if (access == StoreAccess::kRead) {
    require_current(*db_);
    return;
  }
  if (db_->text("PRAGMA journal_mode = WAL") != "wal")
    throw StoreError(StoreFault::kUnusable, "the store " + file.string() +
                                                " cannot use a write-ahead log: its file system "
                                                "has no shared memory (a network share?)");
  db_->run("PRAGMA synchronous = FULL");
  db_->run("PRAGMA journal_size_limit = 67108864");
  migrate(*db_);
  if (access == StoreAccess::kReceiver) {
    sync_folder(file);
    check();
    // One that was killed before it could, may have left some.
    erased_in_log_ = true;
    clear_log();
  }
  statements_ = std::make_unique<Statements>(*db_);
}

// A file that was removed, or moved away, takes every write and is gone with this process; so is a
// log.
void SqliteStore::require_in_place() const {
  if (!db_->moved() && std::filesystem::exists(file_.string() + "-wal")) return;
  throw StoreError(StoreFault::kUnusable,
                   "the store " + file_.string() +
                       " was removed or replaced while in use; put it back, log (-wal) and all, "
                       "or restart to begin a new one");
}

tl::expected<OpenStream, OpenFault> SqliteStore::open_stream(const StreamKey& key,
                                                             const Sender& sender,
                                                             const std::string& agent,
                                                             std::uint64_t first_held,
                                                             std::int64_t now_ms) {
  require_in_place();
  Statements& sql = *statements_;
  const bool known = sql.find_install.with(key.install).step();
  const std::string owner = known ? sql.find_install.text(0) : sender.user;
  const bool quarantined = known && !sql.find_install.null(1);
  sql.find_install.reset();
  if (owner != sender.user) return tl::unexpected(OpenFault::kWrongInstall);
  if (quarantined) return tl::unexpected(OpenFault::kQuarantined);

  OpenStream stream;
  const bool found = sql.find_stream.with(key.install, key.epoch).step();
  if (found) {
    stream.id = sql.find_stream.number(0);
    stream.durable_through = unsigned_of(sql.find_stream.number(1));
  }
  sql.find_stream.reset();
  const bool hole = first_held > stream.durable_through + 1;
  if (found && !hole) return stream;  // the usual case writes nothing

  Transaction transaction(*db_);
  if (!known) sql.add_install.with(key.install, sender.user, sender.contributor).run();
  if (!found) {
    sql.add_stream.with(key.install, key.epoch, agent, now_ms).run();
    stream.id = db_->last_row_id();
  }
  if (hole) {
    sql.add_lost.with(stream.id, stream.durable_through + 1, first_held - 1, now_ms).run();
    stream.lost = first_held - 1 - stream.durable_through;
    stream.durable_through = first_held - 1;
    sql.advance.with(stream.id, stream.durable_through, now_ms).run();
  }
  transaction.commit();
  return stream;
}

namespace {

struct Conflict {};  // thrown and caught within this file: another content under a name in use

}  // namespace

// What stands in the store at one sequence number.
struct SqliteStore::Standing {
  enum class Kind { kNothing, kEvent, kGap, kDead } kind = Kind::kNothing;
  std::string hash;
};

SqliteStore::Standing SqliteStore::standing_at(std::int64_t stream, std::uint64_t seq) {
  Standing out;
  auto covers = [&](Statement& row) {
    return row.step() && unsigned_of(row.number(0)) + unsigned_of(row.number(1)) > seq;
  };
  Statement& event = statements_->covering_event.with(stream, seq);
  if (covers(event)) {
    out.kind = event.text(3) == "gap" ? Standing::Kind::kGap : Standing::Kind::kEvent;
    out.hash = event.text(2);
  }
  event.reset();
  if (out.kind != Standing::Kind::kNothing) return out;
  Statement& dead = statements_->covering_dead.with(stream, seq);
  if (covers(dead)) {
    out.kind = Standing::Kind::kDead;
    out.hash = dead.text(2);
  }
  dead.reset();
  return out;
}

void SqliteStore::insert(const PendingBatch& batch, const Entry& entry, std::int64_t now_ms) {
  if (entry.rejected)
    statements_->add_dead
        .with(batch.stream, entry.seq, entry.span, schema::to_word(*entry.rejected), entry.reason,
              now_ms, blob(entry.hash), entry.payload)
        .run();
  else
    statements_->add_event
        .with(batch.stream, entry.seq, entry.span, entry.type, entry.suggestion, batch.contributor,
              entry.t_ms, now_ms, blob(entry.hash), entry.payload)
        .run();
}

// Numbers first…last are accounted for after all: cuts them out of what is noted as lost.
void SqliteStore::found_again(std::int64_t stream, std::uint64_t first, std::uint64_t last) {
  Statements& sql = *statements_;
  while (sql.overlapping_lost.with(stream, first, last).step()) {
    const std::uint64_t from = unsigned_of(sql.overlapping_lost.number(0));
    const std::uint64_t to = unsigned_of(sql.overlapping_lost.number(1));
    const std::int64_t noticed = sql.overlapping_lost.number(2);
    sql.overlapping_lost.reset();
    sql.remove_lost.with(stream, from).run();
    if (from < first) sql.add_lost.with(stream, from, first - 1, noticed).run();
    if (to > last) sql.add_lost.with(stream, last + 1, to, noticed).run();
  }
  sql.overlapping_lost.reset();
}

// The developer forgot events while their acknowledgement was on its way: the gap takes their
// place.
std::uint64_t SqliteStore::erase(std::int64_t stream, std::uint64_t first, std::uint64_t last) {
  std::uint64_t erased = 0;
  for (Statement* statement : {&statements_->erase_events, &statements_->erase_dead}) {
    statement->with(stream, first, last).run();
    statements_->changes.with().step();
    erased += unsigned_of(statements_->changes.number(0));
    statements_->changes.reset();
  }
  found_again(stream, first, last);
  return erased;
}

void SqliteStore::store_again(const PendingBatch& batch, const Entry& entry, std::int64_t now_ms,
                              BatchResult& result) {
  using Kind = Standing::Kind;
  const Standing standing = standing_at(batch.stream, entry.seq);
  if (standing.kind == Kind::kGap || standing.hash == entry.hash) {
    ++result.duplicates;  // what is erased stays erased
    return;
  }
  if (entry.gap) {
    result.erased += erase(batch.stream, entry.seq, entry.seq + entry.span - 1);
  } else if (standing.kind == Kind::kNothing) {
    found_again(batch.stream, entry.seq, entry.seq + entry.span - 1);
  } else {
    throw Conflict{};
  }
  insert(batch, entry, now_ms);
  ++result.stored;
}

BatchResult SqliteStore::store_batch(const PendingBatch& batch, std::int64_t now_ms) {
  Statements& sql = *statements_;
  BatchResult result;
  sql.through.with(batch.stream).step();
  result.durable_through = unsigned_of(sql.through.number(0));
  sql.through.reset();
  for (const Entry& entry : batch.entries) {
    if (entry.seq > result.durable_through + 1)
      throw std::logic_error("a batch leaves a hole in its stream");
    if (entry.seq <= result.durable_through) {
      store_again(batch, entry, now_ms, result);
    } else {
      insert(batch, entry, now_ms);
      ++result.stored;
    }
    result.durable_through = std::max(result.durable_through, entry.seq + entry.span - 1);
  }
  sql.advance.with(batch.stream, result.durable_through, now_ms).run();
  return result;
}

std::vector<BatchResult> SqliteStore::commit(const std::vector<PendingBatch>& batches,
                                             std::int64_t now_ms) {
  std::vector<BatchResult> results;
  results.reserve(batches.size());
  std::set<schema::WireId> quarantined;
  Transaction transaction(*db_);
  for (const PendingBatch& batch : batches) {
    if (quarantined.contains(batch.key.install)) {
      results.push_back({.quarantined = true});
      continue;
    }
    db_->run("SAVEPOINT batch");
    try {
      results.push_back(store_batch(batch, now_ms));
    } catch (const Conflict&) {
      db_->run("ROLLBACK TO batch");
      statements_->quarantine
          .with(batch.key.install, "two contents under one sequence number: a cloned machine")
          .run();
      quarantined.insert(batch.key.install);
      results.push_back({.quarantined = true});
    }
    db_->run("RELEASE batch");
  }
  require_in_place();
  transaction.commit();
  for (const BatchResult& result : results) erased_in_log_ |= result.erased > 0;
  clear_log();
  return results;
}

// The log still holds the pages as they were before the erasure. Whoever reads may need them: then
// not now, and without a wait, for agents wait too.
void SqliteStore::clear_log() {
  if (!erased_in_log_) return;
  db_->wait_when_busy(0);
  try {
    erased_in_log_ = !db_->clear_log();
  } catch (const StoreError& error) {
    // What was committed is durable all the same, and the next call tries again.
    if (error.fault() == StoreFault::kCorrupt) throw;
  }
  db_->wait_when_busy(kBusyTimeoutMs);
}

void SqliteStore::probe(std::uint64_t bytes) {
  require_in_place();
  // Committed, for what is rolled back never reaches the disk. A blob counts as 0 to what follows.
  if (bytes > 0) {
    Transaction transaction(*db_);
    statements_->probe_much.with(bytes).run();
    transaction.commit();
  }
  Transaction transaction(*db_);
  statements_->probe.with().run();
  transaction.commit();
}

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
      " (SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM lost WHERE stream = s.id)"
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
    row.stored = unsigned_of(rows.number(7));
    row.gaps = unsigned_of(rows.number(8));
    row.rejected = unsigned_of(rows.number(9));
    row.lost = unsigned_of(rows.number(10));
    out.push_back(std::move(row));
  }
  return out;
}

void SqliteStore::dead_letters(const std::function<bool(const DeadLetter&)>& visit) {
  Statement rows(*db_,
                 "SELECT s.install, s.epoch, d.seq, d.code, d.reason, d.received_ms, d.payload"
                 " FROM dead_letters d JOIN streams s ON s.id = d.stream"
                 " ORDER BY d.received_ms, d.stream, d.seq");
  while (rows.step()) {
    const DeadLetter letter{{id_of(rows.text(0)), id_of(rows.text(1))},
                            unsigned_of(rows.number(2)),
                            rows.text(3),
                            rows.text(4),
                            rows.number(5),
                            rows.text(6)};
    if (!visit(letter)) return;
  }
}

std::vector<ExportRecord> SqliteStore::exports_with(const std::string& contributor) {
  std::vector<ExportRecord> out;
  Statement rows(*db_,
                 "SELECT e.at_ms, e.file, l.lines FROM export_lines l JOIN exports e"
                 " ON e.id = l.export WHERE l.contributor = ?1 ORDER BY e.id");
  rows.with(contributor);
  while (rows.step())
    out.push_back({rows.number(0), rows.text(1), {}, unsigned_of(rows.number(2))});
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
      const std::string payload = schema::event_to_json(tombstone(through, now_ms)).dump();
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
  return out;
}

std::int64_t SqliteStore::note_export(const ExportRecord& record) {
  Transaction transaction(*db_);
  Statement(*db_, "INSERT INTO exports (at_ms, file) VALUES (?1, ?2)")
      .with(record.at_ms, record.file)
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

void SqliteStore::set_size_limit(std::int64_t bytes) {
  db_->run("PRAGMA max_page_count = " +
           std::to_string(std::max<std::int64_t>(1, bytes / db_->number("PRAGMA page_size"))));
}

void SqliteStore::backup(const std::string& file) {
  if (std::filesystem::exists(file))
    throw StoreError(StoreFault::kUnusable, file + " exists already; give a new name");
  create_private(file);
  try {
    db_->copy_to(file);
    sync_file(file);
    sync_folder(file);
  } catch (...) {
    // Half a backup is none, and its name must be free for the next try.
    ::unlink(file.c_str());
    throw;
  }
}

}  // namespace strop::collector
