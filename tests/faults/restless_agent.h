// An honest agent of the worst manners: it sends what it has twice, in the wrong order, once more
// after it came back and over the connection that it had left. Its events are truly its own: one
// sequence number is one payload, for ever.
//
// Owns its socket and its stream; the truth is the caller's. One thread. Never waits. Times are
// milliseconds of the steady clock. Errors: what no honest agent may be told is in complaint().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "faults/truth.h"
#include "schema/curve_key.h"
#include "schema/wire.h"

namespace strop::faults {

struct Door {
  std::uint16_t port = 0;
  std::string server_key;
};

class RestlessAgent {
 public:
  RestlessAgent(std::string name, Door door, schema::CurveKey key, Truth& truth,
                std::uint32_t seed);

  // So many more events to be sent.
  void make(std::size_t count);
  // Takes what has come, sends what may be sent, connects anew where nothing comes.
  void turn(double now_ms);

  // The next batch goes out twice; the two next ones the wrong way round; a part of what is
  // acknowledged goes out again.
  void send_twice() { twice_ = true; }
  void send_in_wrong_order() { wrong_order_ = true; }
  void send_again() { again_ = true; }
  // A new connection, without goodbye. The one before is left open, and says something late.
  void come_again();
  void speak_on_old_connection();

  bool settled() const { return acked_ == payloads_.size(); }
  std::uint64_t made() const { return payloads_.size(); }
  std::uint64_t acked() const { return acked_; }
  // How often it had to connect anew.
  std::uint64_t connections() const { return connections_; }
  // How often it was asked to send anew.
  std::uint64_t refusals() const { return refusals_; }
  const std::string& complaint() const { return complaint_; }

 private:
  zmq::socket_t connect();
  void begin_again(double now_ms);
  void say_hello();
  void take_answers(double now_ms);
  void take(const schema::Welcome& welcome);
  void take(const schema::Ack& ack);
  void take(const schema::Nack& nack, double now_ms);
  void send_some(double now_ms);
  std::optional<schema::Batch> batch(std::uint64_t first, std::size_t count) const;
  void say(const std::optional<schema::Batch>& batch);
  std::size_t some() { return 1 + random_() % 12; }

  const std::string name_;
  const Door door_;
  const schema::CurveKey key_;
  Truth& truth_;
  std::mt19937 random_;
  schema::WireId id_{};  // of install and epoch
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::optional<zmq::socket_t> old_;
  std::vector<std::string> payloads_;  // by sequence number less one
  std::uint64_t next_ = 1;
  std::uint64_t acked_ = 0;
  bool welcome_ = false;
  bool rewind_ = false;
  bool hello_due_ = false;
  std::size_t unanswered_ = 0;
  double heard_ms_ = 0;
  double retry_ms_ = 0;
  bool twice_ = false;
  bool wrong_order_ = false;
  bool again_ = false;
  std::uint64_t refusals_ = 0;
  std::uint64_t connections_ = 0;
  std::string complaint_;
};

}  // namespace strop::faults
