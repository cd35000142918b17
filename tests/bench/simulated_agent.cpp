#include "bench/simulated_agent.h"

#include <chrono>
#include <cstring>
#include <stdexcept>

namespace strop::bench {

double steady_us() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

SimulatedAgent::SimulatedAgent(zmq::context_t& context, const Address& address,
                               const schema::CurveKey& key, std::uint32_t number)
    : socket_(context, zmq::socket_type::dealer) {
  std::memcpy(id_.data(), &number, sizeof(number));
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::curve_serverkey, address.server_key);
  socket_.set(zmq::sockopt::curve_publickey, key.public_key);
  socket_.set(zmq::sockopt::curve_secretkey, key.secret_key);
  // As strop-agent does: a door that is crowded is tried again, not given up.
  socket_.set(zmq::sockopt::reconnect_ivl, 500);
  socket_.set(zmq::sockopt::reconnect_ivl_max, 5000);
  socket_.connect(address.endpoint);
}

void SimulatedAgent::say_hello() {
  schema::Hello hello;
  hello.install = id_;
  hello.epoch = id_;
  hello.first_unacked = next_seq_;
  hello.agent = "bench";
  socket_.send(zmq::buffer(schema::encode(hello)), zmq::send_flags::none);
}

// The connection is another one than it was.
void SimulatedAgent::begin_again() {
  welcome_ = false;
  unanswered_.clear();
  unanswered_bytes_ = 0;
  ++hellos_again_;
  say_hello();
}

void SimulatedAgent::send(std::vector<schema::Record> records, double since_us) {
  const std::string frame = schema::encode(schema::Batch{id_, next_seq_, std::move(records)});
  std::uint32_t count = 0;
  std::memcpy(&count, frame.data() + schema::kBatchOverheadBytes - sizeof(count), sizeof(count));
  next_seq_ += count;
  unanswered_bytes_ += frame.size();
  unanswered_.push_back({next_seq_ - 1, frame.size(), since_us});
  socket_.send(zmq::buffer(frame), zmq::send_flags::none);
}

std::uint64_t SimulatedAgent::take(double now_us, std::vector<double>* latencies_us) {
  std::uint64_t newly = 0;
  zmq::message_t message;
  while (socket_.recv(message, zmq::recv_flags::dontwait)) {
    const auto frame = schema::decode(message.to_string_view());
    if (!frame) throw std::runtime_error("the collector sent no frame: " + frame.error().message);
    const auto* nack = std::get_if<schema::Nack>(&*frame);
    if (nack != nullptr && nack->code == schema::NackCode::kHelloFirst) {
      begin_again();
      continue;
    }
    if (nack != nullptr) throw std::runtime_error("the collector refuses: " + nack->reason);
    if (const auto* welcome = std::get_if<schema::Welcome>(&*frame)) {
      welcome_ = true;
      credits_ = welcome->credits;
      acked_ = welcome->durable_through;
      next_seq_ = acked_ + 1;
      continue;
    }
    const auto* ack = std::get_if<schema::Ack>(&*frame);
    if (ack == nullptr) continue;
    if (!ack->rejected.empty()) throw std::runtime_error("the collector rejects an event");
    if (unanswered_.empty()) continue;  // of the connection before
    credits_ = ack->credits;
    newly += ack->durable_through - acked_;
    acked_ = ack->durable_through;
    const Sent& sent = unanswered_.front();
    if (sent.last_seq > acked_) throw std::runtime_error("an ACK behind what it answers");
    unanswered_bytes_ -= sent.bytes;
    if (latencies_us != nullptr) latencies_us->push_back(now_us - sent.since_us);
    unanswered_.pop_front();
  }
  return newly;
}

}  // namespace strop::bench
