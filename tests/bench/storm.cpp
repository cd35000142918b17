// Ten thousand agents at the door at once, as after a restart of the collector or of the network.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "bench/captured_events.h"
#include "bench/collector_setup.h"

namespace strop::bench {
namespace {

constexpr int kAgents = 10'000;
constexpr int kProcesses = 4;  // a process may not have descriptors for all of them
constexpr double kGoalSeconds = 30;
constexpr double kPatienceSeconds = 180;
constexpr double kGoalMiB = 64 + 64;  // and the credits in all
constexpr double kGoalKiBAnAgent = 45;

// Each its HELLO and, as soon as it is welcome, a few events on top of the `held` ones; until all
// is acknowledged.
void deliver(Crowd& crowd, const std::vector<std::string>& events, std::uint64_t held) {
  const PreparedBatch batch(events);
  for (SimulatedAgent& agent : crowd.agents()) agent.say_hello();
  std::size_t through = 0;
  const double deadline = steady_us() + kPatienceSeconds * 1e6;
  while (through < crowd.agents().size()) {
    crowd.take(std::chrono::milliseconds(50));
    through = 0;
    for (std::size_t i = 0; i < crowd.agents().size(); ++i) {
      SimulatedAgent& agent = crowd.agents()[i];
      if (agent.welcome() && agent.acked() >= held + events.size()) ++through;
      if (agent.welcome() && agent.unanswered() == 0 && agent.acked() < held + events.size())
        agent.send(batch, steady_us());
    }
    if (steady_us() > deadline) throw std::runtime_error("it takes too long");
  }
}

// The agents of one process: they come, say when they are through, and stay until they are thrown
// out.
class Guests {
 public:
  Guests(const CollectorProcess& collector, std::size_t first, std::size_t count,
         const std::vector<std::string>& events, std::uint64_t held) {
    if (::pipe(through_) != 0) throw std::runtime_error("pipe");
    child_ = ::fork();
    if (child_ < 0) throw std::runtime_error("fork");
    if (child_ == 0) ::_exit(be(collector, first, count, events, held));
    ::close(through_[1]);
  }
  Guests(const Guests&) = delete;
  Guests& operator=(const Guests&) = delete;
  ~Guests() {
    ::close(through_[0]);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  void await() const {
    char said = 0;
    if (::read(through_[0], &said, 1) != 1 || said != 'y')
      throw std::runtime_error("not all agents came through the storm");
  }

 private:
  int be(const CollectorProcess& collector, std::size_t first, std::size_t count,
         const std::vector<std::string>& events, std::uint64_t held) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    char said = 'y';
    try {
      Crowd crowd(collector, first, count);
      deliver(crowd, events, held);
      if (::write(through_[1], &said, 1) != 1) return 1;
      ::pause();
      return 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "agents in the storm: %s\n", error.what());
      said = 'n';
      return ::write(through_[1], &said, 1) == 1 ? 0 : 1;
    }
  }

  int through_[2]{};
  pid_t child_ = -1;
};

}  // namespace

void measure_storm(const CollectorSetup& setup, Report& report) {
  const auto agents = static_cast<std::size_t>(setup.count(kAgents, 40));
  const std::string bench = "storm of " + std::to_string(agents) + " agents";
  const std::vector<std::string> events = captured_events(4, 1 << 10);
  const support::TemporaryFolder folder;
  CollectorProcess collector(setup.collector(), agents);
  collector.start(folder / "store.db");
  const double empty_mib = collector.rss_mib();
  std::uint64_t held = 0;  // events of each agent that the collector has
  for (const char* which : {"all new", "again, to a collector that was killed"}) {
    const double begin = steady_us();
    std::list<Guests> guests;
    for (std::size_t i = 0; i < kProcesses; ++i)
      guests.emplace_back(collector, i * agents / kProcesses, agents / kProcesses, events, held);
    for (const Guests& one : guests) one.await();
    const double seconds = (steady_us() - begin) / 1e6;
    report.add({bench,
                std::string("until all are acknowledged, ") + which,
                seconds,
                "s",
                "",
                {},
                "<= 30 s",
                seconds <= kGoalSeconds});
    const double mib = collector.rss_mib();
    const double goal = kGoalMiB + kGoalKiBAnAgent * static_cast<double>(agents) / 1024;
    report.add({bench, std::string("memory with all connected, ") + which, mib, "MiB",
                "64 MiB + 64 MiB of credits + 45 KiB an agent", mib / goal, "<= 1", mib <= goal});
    report.add({bench,
                std::string("memory an agent, ") + which,
                (mib - empty_mib) * 1024 / static_cast<double>(agents),
                "KiB",
                "",
                {},
                "",
                true});
    guests.clear();
    held += events.size();
    collector.kill();
    collector.start(folder / "store.db");
  }
}

}  // namespace strop::bench
