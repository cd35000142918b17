// An agent with a gigabyte in its spool, as after weeks without a collector: how soon it starts,
// and what memory it takes to hold and to deliver it.
#include <poll.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "agent/spool.h"
#include "bench/captured_events.h"
#include "bench/collector_setup.h"
#include "bench/connection.h"
#include "bench/process_use.h"

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kGoalMs = 1000;
constexpr double kGoalGrowth = 1.15;  // of memory, for sixteen times as much
constexpr int kSpoolMiB = 1024;

void fill_spool(const fs::path& state, std::size_t mib) {
  agent::SpoolOptions options;
  options.state = state;
  agent::Spool spool(options);
  const std::vector<std::string> events = captured_events(512, 12 << 10);
  std::size_t bytes = 0;
  for (std::size_t i = 0; bytes < mib << 20; ++i) {
    const std::string& event = events[i % events.size()];
    if (!spool.append(event)) throw std::runtime_error("the spool takes no more");
    bytes += event.size();
  }
}

// Where the agents of this process' children look for their configuration and keep their state.
class AgentHome {
 public:
  explicit AgentHome(const CollectorProcess& collector) {
    const fs::path config = home_ / "config" / "strop";
    fs::create_directories(config);
    if (const auto written = schema::write_curve_key(config / "agent.key", collector.key(0));
        !written)
      throw std::runtime_error(written.error());
    std::ofstream(config / "collector.pub") << collector.address().server_key << '\n';
    std::ofstream(config / "agent.toml")
        << "mode = \"full\"\n[collector]\nendpoint = '" << collector.address().endpoint
        << "'\nserver_key_file = '" << (config / "collector.pub").string() << "'\nkey_file = '"
        << (config / "agent.key").string() << "'\n[spool]\nmax_bytes = 4294967296\n";
    ::setenv("HOME", home_.path().c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", (home_ / "config").c_str(), 1);
    ::setenv("XDG_STATE_HOME", (home_ / "state").c_str(), 1);
  }
  fs::path state() const { return home_ / "state" / "strop"; }

 private:
  support::TemporaryFolder home_;
};

// The most memory seen while `last` long, or until the collector's store no longer grows.
double most_mib(pid_t process, std::chrono::milliseconds last) {
  double most = 0;
  const auto end = Clock::now() + last;
  while (Clock::now() < end) {
    most = std::max(most, rss_mib(process));
    ::poll(nullptr, 0, 20);
  }
  return most;
}

struct Seen {
  double start_ms = 0;
  double most_mib = 0;
};

Seen run_agent(const CollectorSetup& setup, std::chrono::milliseconds last) {
  const double begin = steady_us();
  Connection agent({setup.agent(), "--", setup.server(), "--hello"});
  agent.await_first_byte();
  Seen seen;
  seen.start_ms = (steady_us() - begin) / 1000;
  seen.most_mib = most_mib(agent.process(), last);
  return seen;
}

// An agent of its own, with so much in its spool, before a collector that takes it.
Seen run_with_spool(const CollectorSetup& setup, std::size_t mib) {
  const support::TemporaryFolder folder;
  CollectorProcess collector(setup.collector(), 1);
  collector.start(folder / "store.db");
  const AgentHome home(collector);
  fill_spool(home.state(), mib);
  return run_agent(setup, std::chrono::milliseconds(static_cast<int>(setup.seconds(10'000))));
}

}  // namespace

void measure_large_spool(const CollectorSetup& setup, Report& report) {
  const auto mib = static_cast<std::size_t>(setup.count(kSpoolMiB, 16));
  const std::string bench = "agent with a spool of " + std::to_string(mib) + " MiB";
  const std::string sixteenth = "a spool of a sixteenth";
  const Seen small = run_with_spool(setup, mib / 16);
  const Seen large = run_with_spool(setup, mib);
  report.add({bench, "start to the first byte", large.start_ms, "ms", sixteenth,
              large.start_ms / small.start_ms, "<= 1 s", large.start_ms <= kGoalMs});
  report.add({bench, "most memory while it ships", large.most_mib, "MiB", sixteenth,
              large.most_mib / small.most_mib, "<= 1.15 x",
              large.most_mib <= kGoalGrowth * small.most_mib});
}

}  // namespace strop::bench
