// The store in one SQLite file: WAL, synchronous=FULL, so a returned commit outlives a power cut.
//
// See store.h for ownership and errors. One thread at a time. One process at a time may open a file
// as its receiver (a lock beside the file says so); readers may come and go. Migrations run when a
// writer opens an older file; a file of a newer version is refused.
#pragma once

#include <filesystem>
#include <memory>

#include "collector/store/batch_plan.h"
#include "collector/store/store.h"

namespace strop::collector {

class Database;

class SqliteStore : public Store {
 public:
  SqliteStore(const std::filesystem::path& file, StoreAccess access,
              StoreCheckup checkup = StoreCheckup::kFirst);
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  tl::expected<OpenStream, OpenFault> open_stream(const StreamKey& key, const Sender& sender,
                                                  const std::string& agent,
                                                  std::uint64_t first_held,
                                                  std::int64_t now_ms) override;
  std::vector<BatchResult> commit(const std::vector<PendingBatch>& batches,
                                  std::int64_t now_ms) override;
  void probe(std::uint64_t bytes) override;
  void clear_log() override;
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
  void set_size_limit(std::int64_t bytes) override;

  // A consistent copy in a new file, while others write.
  void backup(const std::string& file);

  // Looks through the whole file; throws kCorrupt if it is damaged.
  void check();

 private:
  struct Statements;
  std::vector<ExportRecord> exports_with(const std::string& contributor);

  void open(const std::filesystem::path& file, StoreAccess access, StoreCheckup checkup);
  void require_in_place() const;
  Standings read_standings(std::int64_t stream, std::uint64_t first, std::uint64_t last);
  void insert(const PendingBatch& batch, const BatchPlan::Row& row, std::int64_t now_ms);
  void found_again(std::int64_t stream, std::uint64_t first, std::uint64_t last);
  std::uint64_t erase(std::int64_t stream, std::uint64_t first, std::uint64_t last);
  void expire_stream(std::int64_t stream, std::int64_t before_ms, std::size_t most, Expired& out);
  BatchResult store_batch(const PendingBatch& batch, std::int64_t now_ms);

  std::filesystem::path file_;
  int lock_fd_ = -1;  // constant after construction, as are the next two
  std::unique_ptr<Database> db_;
  std::unique_ptr<Statements> statements_;
  bool erased_in_log_ = false;  // the log may hold what was erased
};

}  // namespace strop::collector
