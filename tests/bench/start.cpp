// From the start of the process to the first byte of the server's, in turns; told is the best
// tenth.
#include <signal.h>

#include "bench/setup.h"

namespace strop::bench {
namespace {

constexpr double kGoalMs = 15;

double start_ms(const Line& line, const std::string& server) {
  const auto begin = Clock::now();
  const Connection connection(line.command({server, "--hello"}));
  connection.await_first_byte();
  return microseconds(Clock::now() - begin) / 1000;
}

}  // namespace

void measure_start(const Setup& setup, Report& report) {
  const std::vector<Line> lines = setup.lines();
  std::vector<std::vector<double>> times(lines.size());
  const int rounds = setup.count(60, 1);
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].slow && round % 10 != 0) continue;
      times[i].push_back(start_ms(lines[i], setup.programs().server));
    }
  const double direct = quantile(times[0], kBestTenth);
  report.add({"start to first byte", "direct", direct, "ms", "", {}, "", true});
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const double more = quantile(times[i], kBestTenth) - direct;
    const bool goal = lines[i].agent;
    report.add({"start to first byte", lines[i].name + " adds", more, "ms", "direct",
                quantile(times[i], kBestTenth) / direct, goal ? "<= 15 ms" : "",
                !goal || more <= kGoalMs});
  }
}

}  // namespace strop::bench
