// Events a second through CURVE, checked, scrubbed and durable in SQLite, beside what the machine's
// parts do by themselves in the same run.
#include "bench/captured_events.h"
#include "bench/delivery.h"
#include "bench/load.h"
#include "bench/machine_parts.h"

namespace strop::bench {
namespace {

constexpr double kGoalShare = 0.8;

void measure_size(const CollectorSetup& setup, const EventSize& size, Report& report) {
  const std::string bench = std::string("delivery, events of ") + size.name;
  const auto tell = [&](const char* name, double value, const char* unit) {
    report.add({bench, name, value, unit, "", {}, "", true});
  };
  const std::vector<std::string> events = captured_events(512, size.bytes);
  const double seconds = setup.seconds(6);
  const support::TemporaryFolder folder;

  const Rate raw = sqlite_alone(folder / "raw.db", events, seconds);
  const double sync_p99 =
      quantiles(sync_alone_us(folder / "raw", events, setup.count(2000, 50))).p99;
  tell("SQLite by itself, groups of 256", raw.per_second, "1/s");
  tell("CURVE by itself, one event a message", curve_alone_per_second(size.bytes, seconds / 3),
       "1/s");
  tell("write and fdatasync by itself, p99", sync_p99 / 1000, "ms");
  tell("processor: SQLite by itself", raw.cpu_us, "µs/event");

  CollectorProcess collector(setup.collector(), kLoadingAgents);
  collector.start(folder / "store.db");
  const Delivery delivery{
      bench, "", {&collector}, [&collector] { return cpu_seconds_of({&collector}); }};
  measure_delivered(setup, delivery, events,
                    {"SQLite by itself", raw.per_second, kGoalShare, sync_p99}, report);
}

}  // namespace

void measure_delivery(const CollectorSetup& setup, Report& report) {
  for (const EventSize& size : kEventSizes) measure_size(setup, size, report);
}

}  // namespace strop::bench
