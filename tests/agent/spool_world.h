// A user's machine with agents on it, a disk that forgets, and a collector: what happens to them at
// random, and a model in memory of what must come of it.
//
// One thread. Each run is given by its seed. check() and finish() tell what is wrong; nothing: all
// is as it has to be. Times are milliseconds of the Unix epoch.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/shipment.h"
#include "agent/spool.h"
#include "agent/spool_store.h"
#include "collector_model.h"
#include "support/temporary_folder.h"
#include "volatile_disk.h"

namespace strop::agent::test {

// What kinds of trouble a run has besides crashes.
struct Troubles {
  VolatileDisk::Honesty honesty;
  bool power_cuts = true;
  bool kills = true;
  bool flipped_bytes = true;
  bool full_disk = true;
  bool failing_sync = true;
  bool restored_collector = true;

  static Troubles none() { return {{}, false, false, false, false, false, false}; }
};

class SpoolWorld {
 public:
  SpoolWorld(std::uint64_t seed, Troubles troubles);

  // One thing happens.
  void step();
  // What is on disk now is what the model says, as far as it can be told.
  void check();
  // Ends all trouble and delivers what there is; then nothing captured may be missing.
  void finish();

  // Empty: nothing was found.
  const std::string& finding() const { return finding_; }
  std::string story() const;

 private:
  using Name = std::pair<schema::WireId, std::uint64_t>;
  struct Written {
    std::string payload;
    bool captured = false;  // append gave its number, and no power was cut before the next sync
    bool synced = false;    // by a sync that said so
    std::set<std::string> reasons;  // for which it may be given up
  };

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  void tell(std::string what) { story_.push_back(std::move(what)); }
  void found(const std::string& what);

  void boot(const std::filesystem::path& state);
  void start_agent();
  Spool& agent() { return *agents_[below(agents_.size())]; }
  void append();
  void sync();
  void end_agent();
  void deliver(bool with_cuts);
  void tidy(double grace_ms, SpoolConfig limits);
  void tidy_at_random();
  void forget();
  void flip_byte();
  void change_room();
  void restore_collector();
  void arm();
  void land();  // where the disk was cut meanwhile
  void crash(VolatileDisk::End end);
  void excuse(const schema::WireId& epoch, const std::string& reason);
  bool write(int descriptor, std::string_view bytes);
  void check_arrived();
  void check_sums();

  std::mt19937_64 random_;
  const Troubles troubles_;
  support::TemporaryFolder folder_;
  unsigned boots_ = 0;
  std::filesystem::path state_;
  std::unique_ptr<VolatileDisk> disk_;
  std::vector<std::unique_ptr<Spool>> agents_;
  std::unique_ptr<Shipment> shipment_;
  CollectorModel collector_;
  std::optional<CollectorModel> backup_;
  double now_ = 1.7e12;
  VolatileDisk::End armed_ = VolatileDisk::End::kPowerCut;

  std::optional<std::uint64_t> room_;  // bytes on a disk that is full
  bool restored_ = false;
  bool calm_ = true;  // no crash, no damage: every count is known
  std::map<Name, Written> written_;
  std::map<schema::WireId, std::uint64_t> last_;  // given to append
  std::set<schema::WireId> damaged_;
  std::uint64_t suppressed_ = 0;

  std::string finding_;
  std::vector<std::string> story_;
};

}  // namespace strop::agent::test
