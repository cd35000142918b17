// Events a second through CURVE, checked, scrubbed and durable in PostgreSQL, by one collector and
// by two side by side, beside what the same database takes by itself in the same run.
#include <iostream>

#include "bench/captured_events.h"
#include "bench/delivery.h"
#include "bench/load.h"
#include "bench/machine_parts.h"
#include "bench/postgres_parts.h"
#include "bench/process_use.h"
#include "collector/store/open_store.h"
#include "support/postgres_server.h"

namespace strop::bench {
namespace {

constexpr double kGoalShare = 0.25;

using support::PostgresServer;

void measure_collectors(const CollectorSetup& setup, const std::string& bench, const char* who,
                        std::size_t count, const std::vector<std::string>& events,
                        const Yardstick& yardstick, Report& report) {
  PostgresServer& server = PostgresServer::shared();
  const std::string database = server.make_database();
  std::list<CollectorProcess> collectors;
  Delivery delivery{bench, std::string(who) + " ", {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    collectors.emplace_back(setup.collector(), kLoadingAgents).start(database);
    delivery.collectors.push_back(&collectors.back());
  }
  delivery.cpu_seconds = [&] {
    auto seconds = cpu_seconds_of(delivery.collectors);
    seconds["PostgreSQL"] = cpu_seconds_of_children(server.process());
    return seconds;
  };
  measure_delivered(setup, delivery, events, yardstick, report);
}

void measure_size(const CollectorSetup& setup, const EventSize& size, Report& report) {
  const std::string bench = std::string("delivery to PostgreSQL, events of ") + size.name;
  const auto tell = [&](const std::string& name, double value, const char* unit) {
    report.add({bench, name, value, unit, "", {}, "", true});
  };
  const std::vector<std::string> events = captured_events(512, size.bytes);
  const double seconds = setup.seconds(6);
  const support::TemporaryFolder folder;
  const std::string by_clients = " by " + std::to_string(kPostgresClients) + " clients";

  const std::string database = PostgresServer::shared().make_database();
  collector::open_store(database, collector::StoreAccess::kReceiver);  // makes the tables
  const double copy = postgres_copy_per_second(database, events, seconds);
  const double insert = postgres_insert_per_second(database, events, seconds);
  const double sync_p99 =
      quantiles(sync_alone_us(folder / "raw", events, setup.count(2000, 50))).p99;
  tell("PostgreSQL by itself, COPY" + by_clients, copy, "1/s");
  tell("PostgreSQL by itself, INSERT … ON CONFLICT" + by_clients, insert, "1/s");
  tell("CURVE by itself, one event a message", curve_alone_per_second(size.bytes, seconds / 3),
       "1/s");
  tell("write and fdatasync by itself, p99", sync_p99 / 1000, "ms");

  const Yardstick yardstick{"PostgreSQL by itself", std::max(copy, insert), kGoalShare, sync_p99};
  measure_collectors(setup, bench, "one collector:", 1, events, yardstick, report);
  measure_collectors(setup, bench, "two collectors:", 2, events, yardstick, report);
}

}  // namespace

void measure_postgres(const CollectorSetup& setup, Report& report) {
  if (!PostgresServer::installed()) {
    std::cerr << "PostgreSQL is left out: it is not installed (apt-get install postgresql)\n";
    return;
  }
  for (const EventSize& size : kEventSizes) measure_size(setup, size, report);
}

}  // namespace strop::bench
