// The privacy gate with all its rules, on source code: bytes a second of one core's time. Texts of
// provider requests, and whole events as they go to the disk.
#include <ctime>

#include "agent/privacy/gate.h"
#include "bench/setup.h"
#include "schema/event.h"
#include "schema/secrets.h"

namespace strop::bench {
namespace {

constexpr double kGoal = 50;  // MB/s
constexpr std::size_t kPrefix = 8u << 10;
constexpr std::size_t kSuffix = 4u << 10;
constexpr int kRounds = 9;

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// `work` takes a text that begins at `from` and returns how many bytes it had.
template <class Work>
double megabytes_a_second(const std::string& code, Work work) {
  std::vector<double> speeds;
  for (int round = 0; round < kRounds; ++round) {
    std::size_t bytes = 0;
    const double begin = thread_seconds();
    for (std::size_t from = 0; from + kPrefix + kSuffix <= code.size(); from += kPrefix + kSuffix)
      bytes += work(std::string_view(code).substr(from, kPrefix + kSuffix));
    speeds.push_back(static_cast<double>(bytes) / (thread_seconds() - begin) / 1e6);
  }
  return median(std::move(speeds));
}

std::string with_secrets(std::string code) {
  const std::string secret = "\nconst char* token = \"ghp_" +
                             std::string("a8Bf3kQ9ZxW2mN7rT5vY1cD4eH6jL0pSgUqi") + "\";\n";
  for (std::size_t at = 4000; at < code.size(); at += 4000) code.insert(at, secret);
  return code;
}

}  // namespace

void measure_gate(const Setup& setup, Report& report) {
  agent::GateOptions options;
  options.mode = agent::Mode::kFull;
  options.workspaces = {setup.workspace().string()};
  options.state = setup.home() / "gate";
  options.user = {setup.home(), setup.home() / ".config/git"};
  std::filesystem::create_directories(options.state);
  agent::Gate gate(options);
  const std::string code = source_code(static_cast<std::size_t>(setup.count(4'000'000, 40'000)));
  const std::string uri = setup.uri(0);

  const auto add = [&report](const std::string& name, double speed) {
    report.add({"privacy gate", name, speed, "MB/s", "", {}, ">= 50 MB/s a core", speed >= kGoal});
  };
  const auto rules = [](std::string_view text) {
    schema::scan_secrets(text);
    return text.size();
  };
  const auto request = [&](std::string_view text) {
    const auto passed = gate.pass_request(uri, text.substr(0, kPrefix), text.substr(kPrefix));
    if (!passed.allowed)
      throw std::runtime_error("the gate lets no request through: " + passed.rule);
    return text.size();
  };
  const auto record = [&](std::string_view text) {
    schema::Offered offered;
    offered.prefix = text.substr(0, kPrefix);
    offered.suffix = text.substr(kPrefix);
    schema::Event event;
    event.suggestion = "s1";
    event.uri = uri;
    event.language = "cpp";
    event.body = std::move(offered);
    const auto passed = gate.pass(event);
    if (passed.suppressed)
      throw std::runtime_error("the gate lets no event through: " + passed.rule);
    return text.size();
  };
  add("all secret rules alone, source code", megabytes_a_second(code, rules));
  add("provider requests, source code", megabytes_a_second(code, request));
  add("events, source code", megabytes_a_second(code, record));
  add("provider requests, a secret every 4 kB", megabytes_a_second(with_secrets(code), request));
}

}  // namespace strop::bench
