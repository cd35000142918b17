#include "bench/simulated_agent.h"

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace strop::bench {

double steady_us() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

PreparedBatch::PreparedBatch(std::span<const std::string> events) : count_(events.size()) {
  schema::Batch batch{{}, 1, {}};
  for (const std::string& event : events) batch.records.push_back({1, event});
  frame_ = schema::encode(batch);
}

// FORMAT.md: header and checksum of what follows, each four bytes, then the two that are filled in.
zmq::message_t PreparedBatch::from(const schema::WireId& epoch, std::uint64_t first_seq) const {
  constexpr std::size_t kChecksumAt = 4;
  constexpr std::size_t kEpochAt = 8;
  zmq::message_t message(frame_.data(), frame_.size());
  char* const bytes = message.data<char>();
  std::memcpy(bytes + kEpochAt, epoch.data(), epoch.size());
  std::memcpy(bytes + kEpochAt + epoch.size(), &first_seq, sizeof(first_seq));
  const std::uint32_t sum = schema::crc32c({bytes + kEpochAt, frame_.size() - kEpochAt});
  std::memcpy(bytes + kChecksumAt, &sum, sizeof(sum));
  return message;
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

void SimulatedAgent::send(const PreparedBatch& batch, double since_us) {
  const std::uint64_t first_seq = std::exchange(next_seq_, next_seq_ + batch.count());
  unanswered_bytes_ += batch.size();
  unanswered_.push_back({next_seq_ - 1, batch.size(), since_us});
  socket_.send(batch.from(id_, first_seq), zmq::send_flags::none);
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
