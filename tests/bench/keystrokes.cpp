// What capture costs a developer's machine: processor time for a keystroke in a large document, and
// memory after a long session with many documents. Both of the whole agent: relay, tracker, gate,
// spool, uplink.
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/process_use.h"
#include "bench/setup.h"

namespace strop::bench {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr double kGoalCpu = 100;  // µs
constexpr double kGoalMiB = 30;
constexpr double kRestUs = 3'000;  // in 300 ms: timers of its own, no more
constexpr int kDocuments = 50;
constexpr std::size_t kDocumentBytes = 32'000;
constexpr std::size_t kLargeBytes = 1'000'000;

double cpu_us(pid_t process) { return cpu_seconds(process) * 1e6; }

// Until the agent has come to rest: what it spends until then belongs to what was sent.
void wait_for_rest(pid_t process) {
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  double before = cpu_us(process);
  while (Clock::now() < deadline) {
    // Nothing tells of rest but a stretch of time in which nothing was spent.
    std::this_thread::sleep_for(milliseconds(300));
    const double now = cpu_us(process);
    if (now - before < kRestUs) return;
    before = now;
  }
}

// Types one line after another into the middle of a document, a character a keystroke, as an editor
// tells it: the change, and where it asks for it, a request for a suggestion.
class Typist {
 public:
  Typist(Connection& connection, std::string uri, std::uint32_t line)
      : connection_(connection), uri_(std::move(uri)), line_(line) {}

  void open(const std::string& text) {
    connection_.tell("textDocument/didOpen",
                     json{{"textDocument",
                           {{"uri", uri_}, {"languageId", "cpp"}, {"version", 1}, {"text", text}}}}
                         .dump());
  }

  void press() {
    constexpr std::string_view kTyped = "  const auto result = settle(pending, now);\n";
    const char key = kTyped[typed_++ % kTyped.size()];
    change(std::string(1, key));
  }

  void suggest() {
    connection_.ask("textDocument/inlineCompletion",
                    json{{"textDocument", {{"uri", uri_}}},
                         {"position", {{"line", line_}, {"character", character_}}},
                         {"context", {{"triggerKind", 1}}}}
                        .dump());
  }

  // Takes what the server suggests.
  void accept() { change("value = compute(left, right);"); }

 private:
  void change(const std::string& text) {
    const json at{{"line", line_}, {"character", character_}};
    connection_.tell(
        "textDocument/didChange",
        json{{"textDocument", {{"uri", uri_}, {"version", ++version_}}},
             {"contentChanges", {{{"range", {{"start", at}, {"end", at}}}, {"text", text}}}}}
            .dump());
    if (text == "\n")
      ++line_, character_ = 0;
    else
      character_ += static_cast<std::uint32_t>(text.size());
  }

  Connection& connection_;
  std::string uri_;
  std::uint32_t line_;
  std::uint32_t character_ = 0;
  int version_ = 1;
  std::size_t typed_ = 0;
};

// What the agent's log says of the session that ended last.
json last_session(const Setup& setup) {
  std::ifstream in(setup.state() / "agent.log");
  json last;
  for (std::string line; std::getline(in, line);)
    if (const std::size_t at = line.find("session {"); at != std::string::npos)
      last = json::parse(line.substr(at + 8));
  return last;
}

// Figures of a session of which capture lost a part would be too good.
void demand_nothing_dropped(const Setup& setup) {
  const json session = last_session(setup);
  if (session.at("tap").at("dropped") != 0 || session.at("capture").at("faults") != 0)
    throw std::runtime_error("capture did not follow: " + session.dump());
}

struct KeystrokeCost {
  double key_us = 0;         // of one keystroke, without what the agent spends anyway
  double rest_us_per_s = 0;  // what it spends anyway
};

KeystrokeCost keystroke_cost(const Setup& setup, const Line& line, bool suggesting) {
  Connection connection(line.command({setup.programs().server}));
  connection.initialize();
  Typist typist(connection, setup.uri(0), 12'000);
  typist.open(source_code(kLargeBytes));
  wait_for_rest(connection.process());
  const double settled = cpu_us(connection.process());
  const auto rest_began = Clock::now();
  // What an idle agent spends is known by the second: so long a stretch is measured.
  std::this_thread::sleep_for(milliseconds(setup.count(3000, 200)));
  const auto keys_began = Clock::now();
  const double before = cpu_us(connection.process());
  KeystrokeCost cost;
  cost.rest_us_per_s =
      (before - settled) / std::chrono::duration<double>(keys_began - rest_began).count();
  const int keys = setup.count(600, 50);
  auto next = keys_began;
  for (int i = 0; i < keys; ++i) {
    typist.press();
    if (suggesting) typist.suggest();
    // A held key repeats no quicker; more at once would come cheaper.
    next += milliseconds(20);
    std::this_thread::sleep_until(next);
  }
  wait_for_rest(connection.process());
  const double spent = cpu_us(connection.process()) - before;
  const double seconds = std::chrono::duration<double>(Clock::now() - keys_began).count();
  cost.key_us = (spent - cost.rest_us_per_s * seconds) / keys;
  connection.finish();
  if (line.agent) demand_nothing_dropped(setup);
  return cost;
}

}  // namespace

void measure_keystrokes(const Setup& setup, Report& report) {
  const char* const bench = "keystroke, 1 MB document, CPU";
  // Of this much is waking up, reading and writing, on a machine that has gone to sleep meanwhile.
  const double pump = keystroke_cost(setup, setup.pump(), false).key_us;
  const KeystrokeCost change = keystroke_cost(setup, setup.agent_full(), false);
  report.add({bench, "change, pump", pump, "us", "", {}, "", true});
  report.add({bench, "change", change.key_us, "us", "pump", change.key_us / pump, "<= 100 us",
              change.key_us <= kGoalCpu});
  // Beside it: this one also puts 12 KiB of text through the gate and on the disk.
  report.add({bench,
              "change, request, a suggestion recorded",
              keystroke_cost(setup, setup.agent_full(), true).key_us,
              "us",
              "",
              {},
              "",
              true});
  report.add({bench, "nothing typed, for a second", change.rest_us_per_s, "us", "", {}, "", true});
}

void measure_memory(const Setup& setup, Report& report) {
  Connection connection(setup.agent_full().command({setup.programs().server}));
  connection.initialize();
  std::vector<Typist> typists;
  const std::string text = source_code(kDocumentBytes);
  for (int i = 0; i < kDocuments; ++i) {
    typists.emplace_back(connection, setup.uri(i), 300);
    typists.back().open(text);
  }
  const int keys = setup.count(10'000, 200);
  auto next = Clock::now();
  for (int i = 0; i < keys; ++i) {
    // A developer stays in a file for a while.
    Typist& typist = typists[static_cast<std::size_t>(i / 40 % kDocuments)];
    typist.press();
    if (i % 5 == 0) typist.suggest();
    if (i % 25 == 0) typist.accept();
    next += milliseconds(2);
    std::this_thread::sleep_until(next);
  }
  wait_for_rest(connection.process());
  const double now = rss_mib(connection.process());
  const double peak = peak_rss_mib(connection.process());
  connection.finish();
  demand_nothing_dropped(setup);
  const std::string bench = std::to_string(keys) + " keystrokes, 50 documents of 32 KB";
  report.add({bench, "resident", now, "MiB", "", {}, "<= 30 MiB", now <= kGoalMiB});
  report.add({bench, "resident at most", peak, "MiB", "", {}, "", true});
}

}  // namespace strop::bench
