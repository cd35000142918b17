// What an agent says to the collector: the protocol's state machine, without sockets.
//
// Owns its view of the epochs of one spool. One thread. Time is given with every call, milliseconds
// of any steady clock. Errors: what the collector refuses is logged, kept in trouble(), and decides
// whether to wait, to connect anew or to leave a stream alone; the spool keeps everything.
//
//   connected → to_send (HELLOs) → on_frame (WELCOME) → to_send (BATCHes, within the credits) →
//   on_frame (ACK) → save
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/spool_epoch.h"
#include "schema/wire.h"

namespace strop::agent {

struct ShipmentOptions {
  std::filesystem::path state;
  schema::WireId install{};
  std::string agent;  // name and version, for the collector's log
  std::size_t max_batch = 256 << 10;
};

struct ShipmentCounts {
  std::uint64_t shipped = 0;  // records, those sent again included
  std::uint64_t acked = 0;    // sequence numbers
  std::uint64_t rejected = 0;
};

class Shipment {
 public:
  // What the connection is good for after a frame.
  enum class Verdict {
    kGoOn,
    kReconnect,  // the collector ends, or answers what was not asked
    kRefused,    // nothing will be taken until a person acts
  };

  explicit Shipment(ShipmentOptions options);

  const schema::WireId& install() const { return options_.install; }

  // Looks at the disk for new epochs, new records and what was forgotten; `all`: for what tidying
  // did too, before which nothing more is sent. False: the spool's lock was not to be had, ask
  // again soon.
  bool look(bool all = false);

  // Whether there is an epoch to speak of.
  bool empty() const { return streams_.empty(); }

  // A connection is there, with nothing said on it yet.
  void connected(double now_ms);

  // Frames that may go out now, encoded.
  std::vector<std::string> to_send(double now_ms);

  Verdict on_frame(const schema::Frame& frame, double now_ms);

  // When to_send has something to say without anything else happening.
  double next_deadline(double now_ms) const;

  // Whether the collector has answered on this connection, and lately enough.
  bool welcomed() const { return welcomed_; }
  bool fell_silent(double now_ms, int heartbeats) const;
  // For how long the collector of this connection has said that it cannot store, and stored
  // nothing.
  double refused_for(double now_ms) const { return refused_ms_ > 0 ? now_ms - refused_ms_ : 0; }

  // Puts on disk what was acknowledged. False: not now.
  bool save();

  const ShipmentCounts& counts() const { return counts_; }
  const std::string& trouble() const { return trouble_; }

 private:
  struct Stream {
    explicit Stream(SpoolEpoch loaded) : epoch(std::move(loaded)) {}
    SpoolEpoch epoch;
    SpoolCursor cursor;
    bool hello_sent = false;
    bool open = false;
    bool dead = false;       // refused for good on this connection
    bool rewinding = false;  // waits for the answers to what is out, then starts again
    bool exhausted = false;  // nothing more until look() finds some
    bool changed = false;    // the state is not on disk
    double retry_at_ms = 0;
    std::size_t outstanding = 0;
  };
  struct Sent {
    schema::WireId epoch{};
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    std::size_t bytes = 0;
    std::uint64_t generation = 0;
  };

  bool refresh(Stream& stream, bool forgotten);
  void start_over(Stream& stream);
  void send_batches(std::vector<std::string>& out, double now_ms);
  bool may_send(std::size_t bytes) const;
  std::optional<Sent> answered(const schema::WireId& epoch, std::uint64_t first_seq);
  Verdict on(const schema::Welcome& welcome, double now_ms);
  Verdict on(const schema::Ack& ack, double now_ms);
  Verdict on(const schema::Nack& nack, double now_ms);
  void note_trouble(const std::string& what);

  const ShipmentOptions options_;
  const std::filesystem::path spool_;
  std::map<schema::WireId, Stream> streams_;
  std::string forgotten_;  // what the file of that name held
  bool all_due_ = false;   // what was tidied is not seen yet

  std::deque<Sent> sent_;  // not answered yet, in order
  std::size_t sent_bytes_ = 0;
  std::uint32_t credits_ = 0;
  std::size_t max_batch_ = 0;
  double heartbeat_ms_ = 0;
  double heard_ms_ = 0;
  double spoke_ms_ = 0;
  double refused_ms_ = 0;  // since when; 0: it is not so
  bool welcomed_ = false;
  std::uint64_t pings_ = 0;

  ShipmentCounts counts_;
  std::string trouble_;
};

}  // namespace strop::agent
