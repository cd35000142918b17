// The store in a PostgreSQL database, which any number of collectors may serve side by side.
//
// See store.h for ownership and errors. A returned commit is durable: synchronous_commit is on for
// each of our sessions, and a server that runs without fsync is refused. A connection that is lost
// makes a StoreError, and the next call connects again.
//
// Two collectors may be sent the same stream, one after the other or, while a connection is half
// open, at once. Whoever writes to a stream first locks its row, several in the order of their ids,
// and then those of installs in theirs, so nobody waits in a circle; how far the stream goes is
// read under the lock. So rows beyond that end are nobody else's, and are copied in as they are.
#pragma once

#include <memory>
#include <set>

#include "collector/store/postgres_link.h"
#include "collector/store/store.h"

namespace strop::collector {

class PostgresStore : public Store {
 public:
  PostgresStore(const std::string& url, StoreAccess access);

  tl::expected<OpenStream, OpenFault> open_stream(const StreamKey& key, const Sender& sender,
                                                  const std::string& agent,
                                                  std::uint64_t first_held,
                                                  std::int64_t now_ms) override;
  std::vector<BatchResult> commit(const std::vector<PendingBatch>& batches,
                                  std::int64_t now_ms) override;
  void probe(std::uint64_t bytes) override;
  void clear_log() override {}  // PostgreSQL's own affair, see forget
  void scan(std::int64_t after, const std::function<bool(const StoredEvent&)>& visit) override;
  void scan_suggestions(const std::function<bool(const std::vector<StoredEvent>&)>& visit) override;
  std::vector<LedgerRow> ledger(const std::optional<schema::WireId>& install) override;
  void dead_letters(const std::function<bool(const DeadLetter&)>& visit) override;
  void hold_view() override;
  Forgotten forget(const std::vector<schema::WireId>& installs, std::int64_t now_ms) override;
  bool replay(const DeadLetter& letter, const Entry& today) override;
  Expired expire(std::int64_t before_ms, std::int64_t after, std::size_t most) override;
  bool readmit(const schema::WireId& install) override;
  std::int64_t note_export(const ExportRecord& record) override;
  void drop_export(std::int64_t noted) override;
  void set_size_limit(std::int64_t bytes) override { size_limit_ = bytes; }

 private:
  void greet(pqxx::connection& connection) const;
  void require_room(pqxx::transaction_base& work, std::uint64_t bytes) const;
  void read(const std::function<void(pqxx::transaction_base&)>& reading);

  const StoreAccess access_;
  PostgresLink link_;
  std::int64_t size_limit_ = 0;                        // bytes; 0: none
  std::unique_ptr<pqxx::transaction_base> held_view_;  // on the link's connection
};

}  // namespace strop::collector
