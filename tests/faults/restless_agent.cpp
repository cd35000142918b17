#include "faults/restless_agent.h"

#include <algorithm>
#include <utility>

#include "faults/made_event.h"

namespace strop::faults {
namespace {

constexpr double kPatienceMs = 1500;
constexpr std::size_t kMostUnanswered = 4;
constexpr std::size_t kBatchesAtOnce = 3;

}  // namespace

RestlessAgent::RestlessAgent(std::string name, Door door, schema::CurveKey key, Truth& truth,
                             std::uint32_t seed)
    : name_(std::move(name)),
      door_(std::move(door)),
      key_(std::move(key)),
      truth_(truth),
      random_(seed),
      socket_(connect()) {
  std::generate(id_.begin(), id_.end(), [this] { return static_cast<std::uint8_t>(random_()); });
  say_hello();
}

zmq::socket_t RestlessAgent::connect() {
  zmq::socket_t socket(context_, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::curve_serverkey, door_.server_key);
  socket.set(zmq::sockopt::curve_publickey, key_.public_key);
  socket.set(zmq::sockopt::curve_secretkey, key_.secret_key);
  socket.connect("tcp://127.0.0.1:" + std::to_string(door_.port));
  return socket;
}

void RestlessAgent::make(std::size_t count) {
  for (const std::string& name : truth_.hand(name_, count)) {
    if (fate_of(name) == Fate::kTooLarge) {  // no spool would take it
      truth_.given_up(name);
      continue;
    }
    payloads_.push_back(made_event(name));
    truth_.captured(name, {id_, payloads_.size()});
  }
}

void RestlessAgent::say_hello() {
  schema::Hello hello;
  hello.install = hello.epoch = id_;
  hello.first_unacked = acked_ + 1;
  hello.agent = "restless";
  welcome_ = false;
  rewind_ = false;
  hello_due_ = false;
  unanswered_ = 0;
  socket_.send(zmq::buffer(schema::encode(hello)), zmq::send_flags::dontwait);
}

void RestlessAgent::begin_again(double now_ms) {
  socket_ = connect();
  ++connections_;
  heard_ms_ = now_ms;
  say_hello();
}

void RestlessAgent::come_again() {
  old_.emplace(std::exchange(socket_, connect()));
  say_hello();
}

// What it said there has been said elsewhere since.
void RestlessAgent::speak_on_old_connection() {
  if (!old_ || acked_ == 0) return;
  const std::uint64_t first = 1 + random_() % acked_;
  if (const auto late = batch(first, some()))
    old_->send(zmq::buffer(schema::encode(*late)), zmq::send_flags::dontwait);
}

void RestlessAgent::turn(double now_ms) {
  take_answers(now_ms);
  if (unanswered_ == 0 && welcome_) heard_ms_ = now_ms;
  if (now_ms < retry_ms_) return;
  if (hello_due_) say_hello();
  if (now_ms - std::max(heard_ms_, retry_ms_) > kPatienceMs) begin_again(now_ms);
  if (welcome_) send_some(now_ms);
}

void RestlessAgent::take_answers(double now_ms) {
  zmq::message_t message;
  while (socket_.recv(message, zmq::recv_flags::dontwait)) {
    heard_ms_ = now_ms;
    const auto frame = schema::decode(message.to_string_view());
    if (!frame) {
      complaint_ = name_ + " was sent no frame: " + frame.error().message;
      return;
    }
    if (const auto* welcome = std::get_if<schema::Welcome>(&*frame)) take(*welcome);
    if (const auto* ack = std::get_if<schema::Ack>(&*frame)) take(*ack);
    if (const auto* nack = std::get_if<schema::Nack>(&*frame)) take(*nack, now_ms);
    if (std::holds_alternative<schema::Bye>(*frame)) return begin_again(now_ms);
  }
  // Answers there are of no interest, but they must not pile up.
  while (old_ && old_->recv(message, zmq::recv_flags::dontwait)) {
  }
}

void RestlessAgent::take(const schema::Welcome& welcome) {
  if (welcome.durable_through < acked_)
    complaint_ = name_ + " had " + std::to_string(acked_) + " acknowledged and is welcomed at " +
                 std::to_string(welcome.durable_through);
  welcome_ = true;
  acked_ = std::max(acked_, welcome.durable_through);
  next_ = welcome.durable_through + 1;
}

void RestlessAgent::take(const schema::Ack& ack) {
  if (unanswered_ > 0) --unanswered_;
  acked_ = std::max(acked_, ack.durable_through);
  if (acked_ > payloads_.size()) complaint_ = name_ + " has more acknowledged than it ever sent";
}

void RestlessAgent::take(const schema::Nack& nack, double now_ms) {
  ++refusals_;
  if (nack.permanent) complaint_ = name_ + " is refused: " + nack.reason;
  retry_ms_ = now_ms + nack.retry_after_ms;
  if (nack.first_seq != 0 && unanswered_ > 0) --unanswered_;
  rewind_ = true;
  hello_due_ |= nack.code == schema::NackCode::kHelloFirst || nack.first_seq == 0;
}

std::optional<schema::Batch> RestlessAgent::batch(std::uint64_t first, std::size_t count) const {
  schema::Batch out{id_, first, {}};
  for (std::uint64_t seq = first; seq <= payloads_.size() && out.records.size() < count; ++seq)
    out.records.push_back({1, payloads_[seq - 1]});
  if (out.records.empty()) return std::nullopt;
  return out;
}

void RestlessAgent::say(const std::optional<schema::Batch>& batch) {
  if (!batch) return;
  ++unanswered_;
  socket_.send(zmq::buffer(schema::encode(*batch)), zmq::send_flags::dontwait);
}

void RestlessAgent::send_some(double now_ms) {
  if (unanswered_ == 0) heard_ms_ = now_ms;
  if (rewind_) {
    if (unanswered_ > 0) return;
    rewind_ = false;
    next_ = acked_ + 1;
  }
  if (acked_ > 0 && std::exchange(again_, false)) say(batch(1 + random_() % acked_, some()));
  for (std::size_t i = 0; i < kBatchesAtOnce && unanswered_ < kMostUnanswered; ++i) {
    const auto first = batch(next_, some());
    if (!first) return;
    next_ += first->records.size();
    const auto second = batch(next_, some());
    if (second && std::exchange(wrong_order_, false)) {
      next_ += second->records.size();
      say(second);
    }
    say(first);
    if (std::exchange(twice_, false)) say(first);
  }
}

}  // namespace strop::faults
