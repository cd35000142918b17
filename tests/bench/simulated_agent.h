// An agent as the collector sees it: a CURVE connection, one stream, batches within its credits.
//
// Owns its socket; the context is the caller's. One thread. Times are microseconds of the steady
// clock. Errors: a NACK other than hello_first, or a frame that does not belong, is an exception:
// nothing is measured then.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "schema/curve_key.h"
#include "schema/wire.h"

namespace strop::bench {

struct Address {
  std::string endpoint;
  std::string server_key;
};

// A BATCH that is encoded once and sent many times, by any agent and from any place of its stream:
// who measures a collector has no time to encode.
class PreparedBatch {
 public:
  explicit PreparedBatch(std::span<const std::string> events);

  std::size_t size() const { return frame_.size(); }
  std::uint64_t count() const { return count_; }  // of events
  zmq::message_t from(const schema::WireId& epoch, std::uint64_t first_seq) const;

 private:
  std::string frame_;
  std::uint64_t count_;
};

class SimulatedAgent {
 public:
  // `number` makes the install, and the epoch with it: the same number is the same stream.
  SimulatedAgent(zmq::context_t& context, const Address& address, const schema::CurveKey& key,
                 std::uint32_t number);

  // Answered by take(); sending is possible from then on.
  void say_hello();
  bool welcome() const { return welcome_; }

  // Whether credits allow a batch of these.
  bool may_send(std::size_t bytes) const {
    return welcome_ && unanswered_bytes_ + bytes <= credits_;
  }
  // Sends the next events of the stream; `since_us` is when they were due.
  void send(const PreparedBatch& batch, double since_us);
  std::size_t unanswered() const { return unanswered_.size(); }
  // Events acknowledged, by this agent and its like before it.
  std::uint64_t acked() const { return acked_; }
  // How often the collector asked for a HELLO in between: connections that were lost.
  int hellos_again() const { return hellos_again_; }

  // Takes what has come; of each answered batch, how long it took is appended to `latencies_us`.
  // Returns how many events were acknowledged.
  std::uint64_t take(double now_us, std::vector<double>* latencies_us = nullptr);

  zmq::socket_t& socket() { return socket_; }

 private:
  struct Sent {
    std::uint64_t last_seq;
    std::size_t bytes;
    double since_us;
  };

  void begin_again();

  zmq::socket_t socket_;
  int hellos_again_ = 0;
  schema::WireId id_{};
  bool welcome_ = false;
  std::uint64_t next_seq_ = 1;
  std::uint64_t acked_ = 0;
  std::size_t credits_ = 0;
  std::size_t unanswered_bytes_ = 0;
  std::deque<Sent> unanswered_;
};

double steady_us();

}  // namespace strop::bench
