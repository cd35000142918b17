// A small request and its answer, with nothing else on the wire and under a load of messages both
// ways. Everything that may lie between is measured in turns, block by block. What is told of each
// is the best tenth of its blocks: what else a machine does only adds, and not to all alike.
#include <sched.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/setup.h"

namespace strop::bench {
namespace {

constexpr double kGoalP50 = 1.25;
constexpr double kGoalP99 = 1.5;
constexpr double kSlackP99 = 50;  // µs
constexpr int kDiagnosticsHz = 1000;
constexpr int kChangesHz = 200;
// A slow relay's block ends after so long, whatever it has done.
constexpr std::chrono::milliseconds kLongestBlock{400};

struct Measured {
  Line line;
  std::vector<double> p50, p99;
  Quantiles typical() const { return {quantile(p50, kBestTenth), quantile(p99, kBestTenth)}; }
};

enum class Circumstances { kIdleOneCore, kIdle, kLoad };

const char* to_text(Circumstances circumstances) {
  switch (circumstances) {
    case Circumstances::kIdleOneCore:
      return "round trip, idle, on one core";
    case Circumstances::kIdle:
      return "round trip, idle";
    case Circumstances::kLoad:
      return "round trip, under load";
  }
  return "";
}

// This process and what it starts meanwhile, on one core: where the system puts each process
// decides more than what the process does, and is another matter each time.
class OneCore {
 public:
  explicit OneCore(bool wanted) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    if (!wanted) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = CPU_SETSIZE - 1; core >= 0; --core)
      if (CPU_ISSET(core, &before_) && CPU_COUNT(&one) == 0) CPU_SET(core, &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;
  ~OneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

// didChange from a second thread, as from an editor's other buffers.
class Typing {
 public:
  Typing(Connection& connection, const std::string& uri) {
    thread_ = std::thread([this, &connection, uri] {
      const std::string params =
          R"({"textDocument":{"uri":")" + uri +
          R"(","version":2},"contentChanges":[{"range":{"start":{"line":3,"character":0},)"
          R"("end":{"line":3,"character":0}},"text":"x"}]})";
      auto next = Clock::now();
      while (running_) {
        connection.tell("textDocument/didChange", params);
        next += std::chrono::nanoseconds(1'000'000'000 / kChangesHz);
        std::this_thread::sleep_until(next);
      }
    });
  }
  ~Typing() {
    running_ = false;
    thread_.join();
  }

 private:
  std::atomic<bool> running_{true};
  std::thread thread_;
};

std::string hover(const std::string& uri) {
  return R"({"textDocument":{"uri":")" + uri + R"("},"position":{"line":10,"character":4}})";
}

void measure_trips(Connection& connection, const std::string& params, int trips,
                   Measured& measured) {
  for (int i = 0; i < trips / 10 + 1; ++i) connection.ask("textDocument/hover", params);
  std::vector<double> times;
  const auto deadline = Clock::now() + kLongestBlock;
  for (int i = 0; i < trips && Clock::now() < deadline; ++i) {
    const auto begin = Clock::now();
    connection.ask("textDocument/hover", params);
    times.push_back(microseconds(Clock::now() - begin));
  }
  const Quantiles block = quantiles(std::move(times));
  measured.p50.push_back(block.p50);
  measured.p99.push_back(block.p99);
}

// A connection of its own for each block.
void measure_block(const Setup& setup, Circumstances circumstances, const std::string& text,
                   Measured& measured) {
  const OneCore pinned(circumstances == Circumstances::kIdleOneCore);
  Connection connection(measured.line.command({setup.programs().server}));
  connection.initialize();
  connection.tell("textDocument/didOpen", R"({"textDocument":{"uri":")" + setup.uri(0) +
                                              R"(","languageId":"cpp","version":1,"text":)" + text +
                                              "}}");
  const std::string params = hover(setup.uri(0));
  const int trips = setup.count(500, 20);
  if (circumstances == Circumstances::kLoad) {
    connection.tell("bench/load", R"({"hz":)" + std::to_string(kDiagnosticsHz) + "}");
    {
      const Typing typing(connection, setup.uri(0));
      measure_trips(connection, params, trips, measured);
    }
    connection.tell("bench/quiet", "{}");
    connection.ask("textDocument/hover", params);
  } else {
    measure_trips(connection, params, trips, measured);
  }
  if (!measured.line.beside) connection.finish();
}

void tell(const std::vector<Measured>& all, const std::string& bench, Report& report) {
  const Quantiles direct = all[0].typical();
  const Quantiles pump = all[1].typical();
  report.add({bench, "direct p50", direct.p50, "us", "", {}, "", true});
  report.add({bench, "direct p99", direct.p99, "us", "", {}, "", true});
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Measured& one = all[i];
    const double p50 = one.typical().p50 - direct.p50;
    const double p99 = one.typical().p99 - direct.p99;
    const double pump_p50 = pump.p50 - direct.p50;
    const double pump_p99 = pump.p99 - direct.p99;
    const bool goal = one.line.agent;
    report.add({bench, one.line.name + " adds p50", p50, "us", i == 1 ? "" : "pump",
                i == 1 ? std::nullopt : std::optional(p50 / pump_p50), goal ? "<= 1.25 x" : "",
                !goal || p50 <= kGoalP50 * pump_p50});
    report.add({bench, one.line.name + " adds p99", p99, "us", i == 1 ? "" : "pump",
                i == 1 ? std::nullopt : std::optional(p99 / pump_p99),
                goal ? "<= 1.5 x + 50 us" : "", !goal || p99 <= kGoalP99 * pump_p99 + kSlackP99});
  }
}

}  // namespace

void measure_round_trips(const Setup& setup, Report& report) {
  const std::string text = nlohmann::json(source_code(20'000)).dump();
  for (const Circumstances circumstances :
       {Circumstances::kIdleOneCore, Circumstances::kIdle, Circumstances::kLoad}) {
    std::vector<Measured> all;
    for (const Line& line : setup.lines()) all.push_back({line, {}, {}});
    const int rounds = setup.count(60, 2);
    for (int round = 0; round < rounds; ++round)
      for (std::size_t i = 0; i < all.size(); ++i) {
        // Each round begins with another one.
        Measured& one = all[(i + static_cast<std::size_t>(round)) % all.size()];
        if (one.line.slow && round % 10 != 0) continue;
        measure_block(setup, circumstances, text, one);
      }
    tell(all, to_text(circumstances), report);
  }
}

}  // namespace strop::bench
