#include "bench/collector_setup.h"

#include <algorithm>
#include <stdexcept>

namespace strop::bench {
namespace {

constexpr std::chrono::seconds kPatience{120};

}  // namespace

int CollectorSetup::count(int whole, int least) const {
  return std::max(least, static_cast<int>(whole * scale_));
}

Crowd::Crowd(const std::vector<const CollectorProcess*>& collectors, std::size_t first,
             std::size_t count) {
  context_.set(zmq::ctxopt::max_sockets, static_cast<int>(count) + 16);
  agents_.reserve(count);
  for (std::size_t i = first; i < first + count; ++i) {
    const CollectorProcess& collector = *collectors[i % collectors.size()];
    agents_.emplace_back(context_, collector.address(), collector.key(i),
                         static_cast<std::uint32_t>(i + 1));
  }
  for (SimulatedAgent& agent : agents_)
    items_.push_back({agent.socket().handle(), 0, ZMQ_POLLIN, 0});
}

void Crowd::greet() {
  for (SimulatedAgent& agent : agents_) agent.say_hello();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto met = [](const SimulatedAgent& agent) { return agent.welcome(); };
  while (!std::all_of(agents_.begin(), agents_.end(), met)) {
    take(std::chrono::milliseconds(50));
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the collector does not welcome its agents");
  }
}

std::uint64_t Crowd::take(std::chrono::milliseconds patience, std::vector<double>* latencies_us) {
  zmq::poll(items_, patience);
  const double now = steady_us();
  std::uint64_t acked = 0;
  for (std::size_t i = 0; i < agents_.size(); ++i)
    if (items_[i].revents != 0) acked += agents_[i].take(now, latencies_us);
  acked_ += acked;
  return acked;
}

void Crowd::settle(std::vector<double>* latencies_us) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto idle = [](const SimulatedAgent& agent) { return agent.unanswered() == 0; };
  while (!std::all_of(agents_.begin(), agents_.end(), idle)) {
    take(std::chrono::milliseconds(50), latencies_us);
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the collector does not acknowledge");
  }
}

}  // namespace strop::bench
