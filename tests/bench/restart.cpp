// How long a collector that was killed takes until it listens again, with a store that has grown.
#include "bench/captured_events.h"
#include "bench/collector_setup.h"

namespace strop::bench {
namespace {

constexpr std::size_t kAgents = 4;
constexpr std::size_t kBatch = 128;
constexpr double kGoalMs = 2000;

// Events of 1 KB until the store has so many.
void fill(CollectorProcess& collector, std::uint64_t count) {
  const PreparedBatch batch(captured_events(kBatch, 1 << 10));
  Crowd crowd(collector, 0, kAgents);
  crowd.greet();
  std::uint64_t sent = 0;
  while (sent < count) {
    for (SimulatedAgent& agent : crowd.agents())
      while (sent < count && agent.may_send(kBatch * (2u << 10))) {
        agent.send(batch, steady_us());
        sent += kBatch;
      }
    crowd.take(std::chrono::milliseconds(20));
  }
  crowd.settle();
}

}  // namespace

void measure_restart(const CollectorSetup& setup, Report& report) {
  const support::TemporaryFolder folder;
  const std::string store = folder / "store.db";
  CollectorProcess collector(setup.collector(), kAgents);
  const double fresh = collector.start(store);
  report.add({"restart", "of an empty store", fresh, "ms", "", {}, "", true});
  const auto count = static_cast<std::uint64_t>(setup.count(400'000, 1000));
  fill(collector, count);
  collector.kill();
  const double again = collector.start(store);
  report.add({"restart",
              "killed, with a store of " + std::to_string(count) + " events of 1 KB",
              again,
              "ms",
              "",
              {},
              "<= 2 s",
              again <= kGoalMs});
}

}  // namespace strop::bench
