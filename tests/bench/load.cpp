#include "bench/load.h"

#include <algorithm>
#include <span>

namespace strop::bench {
namespace {

constexpr std::size_t kLargeBatchBytes = 256 << 10;

std::vector<PreparedBatch> batches_of(std::span<const std::string> events, std::size_t count) {
  std::vector<PreparedBatch> batches;
  for (; events.size() >= count; events = events.subspan(count))
    batches.emplace_back(events.first(count));
  return batches;
}

}  // namespace

Load::Load(const std::vector<std::string>& events)
    : large_(batches_of(events, std::clamp<std::size_t>(kLargeBatchBytes / events.front().size(), 1,
                                                        events.size()))),
      small_(batches_of(events, std::min(kSmallBatch, events.size()))) {}

double saturated_per_second(Crowd& crowd, Load& load, double seconds) {
  const auto fill = [&] {
    for (SimulatedAgent& agent : crowd.agents())
      while (agent.may_send(kLargeBatchBytes + (16 << 10)))
        agent.send(load.next_large(), steady_us());
  };
  const auto for_so_long = [&](double us) {
    std::uint64_t acked = 0;
    const double begin = steady_us();
    while (steady_us() - begin < us) {
      fill();
      acked += crowd.take(std::chrono::milliseconds(20));
    }
    return static_cast<double>(acked) / ((steady_us() - begin) / 1e6);
  };
  for_so_long(seconds * 0.2e6);  // until all is in motion
  return for_so_long(seconds * 1e6);
}

std::vector<double> open_loop_us(Crowd& crowd, Load& load, double per_second, double seconds) {
  const double every_us = kSmallBatch / per_second * 1e6;
  std::size_t turn = 0;
  std::vector<double> latencies;
  double due = steady_us();
  const double end = due + seconds * 1e6;
  while (due < end) {
    for (; due <= steady_us() && due < end; due += every_us)
      crowd.agents()[turn++ % crowd.agents().size()].send(load.next_small(), due);
    // A millisecond at least: who spins takes a processor from the collector.
    const double left_ms = std::max(1.0, (due - steady_us()) / 1000);
    crowd.take(std::chrono::milliseconds(static_cast<int>(left_ms)), &latencies);
  }
  crowd.settle(&latencies);
  return latencies;
}

}  // namespace strop::bench
