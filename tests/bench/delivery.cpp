#include "bench/delivery.h"

#include <unistd.h>

#include "bench/load.h"
#include "bench/process_use.h"

namespace strop::bench {
namespace {

constexpr double kGoalAckMs = 25;
constexpr double kWorthARow = 0.1;  // µs/event

Row plain(const Delivery& delivery, const std::string& name, double value, const char* unit) {
  return {delivery.bench, delivery.who + name, value, unit, "", {}, "", true};
}

std::map<std::string, double> cpu_of_all(const Delivery& delivery) {
  std::map<std::string, double> seconds = delivery.cpu_seconds();
  seconds["the simulated agents"] = cpu_seconds(::getpid());
  return seconds;
}

void tell_cpu(const Delivery& delivery, const std::map<std::string, double>& before, double events,
              Report& report) {
  for (const auto& [name, seconds] : cpu_of_all(delivery)) {
    const auto was = before.find(name);
    const double us = (seconds - (was == before.end() ? 0 : was->second)) / events * 1e6;
    if (us >= kWorthARow) report.add(plain(delivery, "processor: " + name, us, "µs/event"));
  }
}

std::string shown(double share) { return std::to_string(share).substr(0, share < 0.5 ? 4 : 3); }

}  // namespace

std::map<std::string, double> cpu_seconds_of(
    const std::vector<const CollectorProcess*>& collectors) {
  std::map<std::string, double> seconds;
  for (const CollectorProcess* collector : collectors)
    for (const auto& [thread, spent] : collector->cpu_seconds())
      seconds["collector, thread " + thread] += spent;
  return seconds;
}

void measure_delivered(const CollectorSetup& setup, const Delivery& delivery,
                       const std::vector<std::string>& events, const Yardstick& yardstick,
                       Report& report) {
  const double seconds = setup.seconds(6);
  Load load(events);
  Crowd crowd(delivery.collectors, 0, kLoadingAgents);
  crowd.greet();
  const auto cpu_before = cpu_of_all(delivery);
  const double rate = saturated_per_second(crowd, load, seconds);
  crowd.settle();
  report.add({delivery.bench, delivery.who + "stored, as fast as they are taken", rate, "1/s",
              yardstick.name, rate / yardstick.per_second, ">= " + shown(yardstick.goal_share),
              rate >= yardstick.goal_share * yardstick.per_second});
  tell_cpu(delivery, cpu_before, static_cast<double>(crowd.acked()), report);

  const Quantiles ack = quantiles(open_loop_us(crowd, load, rate / 2, seconds));
  report.add(plain(delivery, "acknowledged at half load, p50", ack.p50 / 1000, "ms"));
  report.add({delivery.bench, delivery.who + "acknowledged at half load, p99", ack.p99 / 1000, "ms",
              "fdatasync p99", ack.p99 / yardstick.sync_p99_us, "<= 25 ms or x 2",
              ack.p99 / 1000 <= kGoalAckMs || ack.p99 <= 2 * yardstick.sync_p99_us});
}

}  // namespace strop::bench
