#include "collector/receiver.h"

#include <chrono>
#include <vector>

#include "collector/log.h"

namespace strop::collector {
namespace {

constexpr auto kPollAtLeastEvery = std::chrono::milliseconds(500);
constexpr int kLingerMs = 500;

double steady_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Receiver::Receiver(zmq::context_t& context, const std::string& address, std::optional<Door> door,
                   Intake& intake, Metrics& metrics, Health& health)
    : intake_(intake), metrics_(metrics), health_(health), door_(std::move(door)) {
  if (door_) {
    zap_.emplace(context, *door_->keeper, metrics, door_->limits);
    prove_strangers_are_refused(context, door_->key, *zap_);
    metrics.keys_refused = 0;  // the one of the self-test does not count
    zap_->start_logging();
    log_info("self_test", {{"strangers", "refused"}});
    intake.let_enrol([this](const Caller& caller, const schema::Enrol& enrol) {
      return door_->keeper->enrol(caller, enrol, now_by_clocks());
    });
  }
  router_ = make_router(context, door_ ? &door_->key : nullptr);
  router_.set(zmq::sockopt::linger, kLingerMs);
  router_.set(zmq::sockopt::ipv6, address.find('[') != std::string::npos);
  watch_.emplace(context, router_, metrics);
  bind(address);
  intake_.when_committed([&wake = health_.wake()] { wake.ring(); });
}

void Receiver::bind(const std::string& address) {
  try {
    router_.bind(address);
  } catch (const zmq::error_t& error) {
    const std::string advice =
        error.num() == EADDRINUSE ? "; another program listens there, end it or give another --bind"
                                  : "; give an address of this machine";
    throw std::runtime_error("cannot listen on " + address + ": " + error.what() + advice);
  }
  endpoint_ = router_.get(zmq::sockopt::last_endpoint);
}

bool Receiver::read_one() {
  zmq::message_t peer;
  zmq::message_t body;
  if (!router_.recv(peer, zmq::recv_flags::dontwait)) return false;
  int parts = 0;
  while (router_.get(zmq::sockopt::rcvmore)) {
    zmq::message_t part;
    if (!router_.recv(part, zmq::recv_flags::dontwait)) break;
    if (++parts == 1) body = std::move(part);
  }
  watch_->heard(body);
  if (parts != 1) {
    intake_.on_misfit(peer.to_string());
    return true;
  }
  const Caller caller = door_ ? caller_of(body, *door_->keeper, now_by_clocks()) : Caller{};
  intake_.on_message(peer.to_string(), caller, body.to_string_view(), even_clock_.now_ms());
  return true;
}

void Receiver::read_what_waits() {
  while (!intake_.full())
    if (!read_one()) return;
}

void Receiver::send(const std::vector<Answer>& answers) {
  for (const Answer& answer : answers) {
    try {
      const auto sent = router_.send(zmq::buffer(answer.peer),
                                     zmq::send_flags::sndmore | zmq::send_flags::dontwait);
      if (sent) {
        router_.send(zmq::buffer(schema::encode(answer.frame)), zmq::send_flags::dontwait);
        continue;
      }
    } catch (const zmq::error_t& error) {
      if (error.num() != EHOSTUNREACH) throw;
      intake_.forget(answer.peer);
    }
    ++metrics_.answers_dropped;  // the agent asks again with its next HELLO
  }
}

void Receiver::every_second(double now_ms) {
  if (health_.asked()) {
    intake_.probe();
    health_.set_ready(intake_.storing());
    health_.answer(intake_.storing());
  }
  if (now_ms - last_second_ms_ < 1000) return;
  last_second_ms_ = now_ms;
  intake_.expire(even_clock_.now_ms());
  intake_.retain(unix_ms());
}

void Receiver::run() {
  std::vector<zmq::pollitem_t> items{{router_.handle(), 0, ZMQ_POLLIN, 0},
                                     {watch_->socket().handle(), 0, ZMQ_POLLIN, 0},
                                     {nullptr, health_.wake().descriptor(), ZMQ_POLLIN, 0}};
  if (zap_) items.push_back({zap_->socket().handle(), 0, ZMQ_POLLIN, 0});
  health_.set_ready(true);
  while (!stopping_) {
    // Until the commit ends, what comes waits with its senders.
    items[0].events = intake_.full() ? 0 : ZMQ_POLLIN;
    try {
      zmq::poll(items, kPollAtLeastEvery);
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    health_.wake().quiet();
    if (zap_) zap_->handle(now_by_clocks());
    if (health_.is_damaged()) intake_.shut();
    read_what_waits();
    watch_->handle(steady_ms(), !intake_.full());
    send(intake_.advance(unix_ms()));
    health_.set_ready(intake_.storing());
    every_second(steady_ms());
  }
  health_.set_ready(false);
  send(intake_.flush(unix_ms()));
  send(intake_.farewell());
}

void Receiver::stop() noexcept {
  stopping_ = true;
  health_.wake().ring();
}

}  // namespace strop::collector
