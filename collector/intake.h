// What the collector says to what agents send: the protocol's state machine, without sockets.
//
// Ownership: keeps references to the store and the metrics, which must outlive it, and owns the
// thread that commits; while that works, nothing else here touches the store. Thread: one.
// Time is given with every call, milliseconds of the Unix epoch: to `on_message` and `expire` by a
// clock that is never set, to the others what a calendar would say. Errors: bad input from a peer
// becomes a NACK; a store that cannot write makes NACKs that ask to retry; StoreError goes through
// only when the store is past use (kCorrupt).
//
//   on_message (many) → advance: one commit for all of them, while the next ones are taken; then
//   the answers in the order of the questions
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/caller.h"
#include "collector/committer.h"
#include "collector/metrics.h"
#include "collector/rate_limit.h"
#include "collector/store/store.h"
#include "collector/validate.h"
#include "schema/wire.h"

namespace strop::collector {

struct IntakeLimits {
  std::uint32_t credits_per_peer = 4 << 20;  // at most; shrinks when many are connected
  std::uint32_t credits_floor = 64 << 10;
  std::uint64_t credits_in_all = 64 << 20;
  std::uint32_t heartbeat_ms = 10000;
  std::uint32_t storage_retry_ms = 2000;
  std::size_t streams_per_peer = 1024;
  std::size_t peers = 32768;
  std::size_t sessions_per_key = 128;  // 0: as many as it likes
  std::int64_t retention_ms = 0;       // what was received longer ago is erased; 0: nothing is
};

struct Answer {
  std::string peer;
  schema::Frame frame;
};

class Intake {
 public:
  // `pseudonym` gives the contributor for a user, or for an install without one.
  using Pseudonym =
      std::function<std::string(const std::string& user, const schema::WireId& install)>;

  Intake(Store& store, Pseudonym pseudonym, Scrub scrub, Metrics& metrics,
         IntakeLimits limits = {});

  // Who answers ENROL: ENROLLED or a NACK. Without one it is refused.
  using Enrolling = std::function<schema::Frame(const Caller& caller, const schema::Enrol& enrol)>;
  void let_enrol(Enrolling enrolling) { enrolling_ = std::move(enrolling); }

  // `peer` names the connection; it is an address for answers, never an identity.
  void on_message(const std::string& peer, const Caller& caller, std::string_view bytes,
                  std::int64_t now_ms);
  // A message that is not even one frame.
  void on_misfit(const std::string& peer);

  // What can be answered by now; starts the next commit if none runs. Never waits for the disk.
  std::vector<Answer> advance(std::int64_t now_ms);
  // The same until everything is committed and answered.
  std::vector<Answer> flush(std::int64_t now_ms);
  // So much waits for the next commit that no more should be read before `advance`.
  bool full() const;
  // Called, on another thread, when `advance` has something new to answer.
  void when_committed(std::function<void()> tell) { committer_.when_done(std::move(tell)); }

  // Connections that fell silent, or that could not be answered, are forgotten; so is what the
  // store's log still holds of what was erased. To be called every second or so.
  void expire(std::int64_t now_ms);
  // Erases what is past its time by the calendar: once an hour, and then a little at each call. To
  // be called every second or so.
  void retain(std::int64_t now_ms);
  void forget(const std::string& peer);

  // The collector ends: BYE to all. REQUIRES: flushed.
  std::vector<Answer> farewell();

  // Whether the last write to the store went well.
  bool storing() const { return storing_; }
  // From now on nothing more is taken: agents keep what they have until the store is mended.
  void shut() { shut_ = true; }
  // Tries the store even without events; what `storing` says is then of now.
  void probe();

 private:
  struct Stream {
    StreamKey key;
    std::int64_t id = 0;
    std::uint64_t durable_through = 0;
    std::uint64_t pending_through = 0;  // with what the next commit will hold
    std::string contributor;
  };
  struct Peer {
    std::string user;
    std::string key;  // empty on a connection without keys
    std::int64_t last_heard_ms = 0;
    std::uint64_t pending_bytes = 0;
    std::map<schema::WireId, std::shared_ptr<Stream>> streams;  // by epoch
  };
  // A place in the order of answers; a batch's is filled after the commit.
  struct Slot {
    std::string peer;
    schema::Frame frame;
    std::shared_ptr<Stream> stream;  // set: waits for the commit
    std::size_t batch = 0;           // index into the round's batches
    std::uint64_t bytes = 0;         // of its peer's that are then answered
  };
  // What one commit holds, and the answers that wait for it.
  struct Round {
    std::vector<PendingBatch> batches;
    std::vector<Slot> slots;
    std::uint64_t bytes = 0;
  };

  void answer(const std::string& peer, schema::Frame frame);
  void refuse(const std::string& peer, const schema::WireId& epoch, std::uint64_t first_seq,
              schema::NackCode code, std::uint32_t retry_after_ms, std::string reason);
  void log_refusal(schema::NackCode code, const std::string& reason);
  void log_rejection(const Entry& entry);
  void on_undecodable(const std::string& peer, const schema::WireError& error);
  void on_frame(const std::string& peer, const Caller& caller, const schema::Hello& hello,
                std::int64_t now_ms);
  void on_frame(const std::string& peer, const Caller& caller, const schema::Batch& batch);
  void on_frame(const std::string& peer, const Caller& caller, const schema::Enrol& enrol);
  void on_ping(const std::string& peer, const schema::Ping& ping);
  void welcome(const std::string& peer, const Caller& caller, const schema::Hello& hello,
               std::uint8_t version, std::int64_t now_ms);
  bool admit(const std::string& peer, const Peer& state, const Stream& stream,
             const schema::Batch& batch);
  void take(const std::string& peer, Peer& state, const std::shared_ptr<Stream>& stream,
            const schema::Batch& batch);
  std::vector<BatchResult> results_of_commit();
  std::vector<Answer> settle();
  void settle(Slot& slot, const std::vector<BatchResult>& results);
  void refuse_slot(Slot& slot, const Round& round, schema::NackCode code,
                   std::uint32_t retry_after_ms, const std::string& reason);
  void refuse_next(const std::function<bool(const StreamKey&)>& which, schema::NackCode code,
                   std::uint32_t retry_after_ms, const std::string& reason);
  static void hand_out(std::vector<Slot>& slots, std::vector<Answer>& answers);
  void note_failure(const StoreError& error);
  void note_success();
  bool has_room(const std::string& peer, const Caller& caller, std::int64_t now_ms);
  template <class Gone>
  void drop_peers(Gone gone);
  void close_streams(const std::function<bool(const StreamKey&)>& which);
  std::uint32_t credits() const;
  std::shared_ptr<Stream> stream_of(const StreamKey& key);

  Store& store_;  // constant after construction
  Metrics& metrics_;
  const Pseudonym pseudonym_;
  const Scrub scrub_;
  const IntakeLimits limits_;
  Enrolling enrolling_;

  std::map<std::string, Peer> peers_;
  std::map<std::string, std::size_t> sessions_;          // of each key that has peers_
  const Caller* speaking_ = nullptr;                     // while its message is taken
  std::int64_t now_ms_ = 0;                              // of that message
  std::array<OnceASecond, kMaxCode> refusals_logged_;    // by NackCode
  std::array<OnceASecond, kMaxCode> rejections_logged_;  // by RejectCode
  OnceASecond crowding_logged_;
  std::map<StreamKey, std::weak_ptr<Stream>> streams_;
  Round under_way_;  // not touched while the committer works
  Round next_;
  Committer committer_;
  bool storing_ = true;
  bool shut_ = false;
  std::int64_t retain_at_ms_ = 0;
  std::int64_t retained_ms_ = 0;  // when it was last asked whether to
  std::int64_t retained_after_ = 0;
  std::uint64_t unstored_bytes_ = 0;  // of the commit that failed
};

}  // namespace strop::collector
