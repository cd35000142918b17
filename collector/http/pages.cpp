#include "collector/http/pages.h"

#include <sstream>

#include "schema/wire.h"

namespace strop::collector {
namespace {

constexpr int kPatienceMs = 2000;

class Text {
 public:
  void counter(const char* name, const char* help, std::uint64_t value) {
    head(name, help, "counter") << name << ' ' << value << '\n';
  }
  void gauge(const char* name, const char* help, std::uint64_t value) {
    head(name, help, "gauge") << name << ' ' << value << '\n';
  }
  void seconds(const char* name, const char* help, std::uint64_t microseconds) {
    head(name, help, "counter") << name << ' ' << static_cast<double>(microseconds) / 1e6 << '\n';
  }
  template <class Code>
  void by_code(const char* name, const char* help,
               const std::array<std::atomic<std::uint64_t>, kMaxCode>& values) {
    head(name, help, "counter");
    for (std::size_t code = 0; code < values.size(); ++code) {
      const auto word = schema::to_word(static_cast<Code>(code));
      if (!word.empty()) out_ << name << "{code=\"" << word << "\"} " << values[code] << '\n';
    }
  }
  std::string take() const { return out_.str(); }

 private:
  std::ostringstream& head(const char* name, const char* help, const char* type) {
    out_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
    return out_;
  }
  std::ostringstream out_;
};

}  // namespace

std::string metrics_text(const Metrics& metrics, bool ready) {
  Text out;
  out.gauge("strop_collector_ready", "1 while batches are taken.", ready ? 1 : 0);
  out.gauge("strop_collector_connections", "Agents' connections with an open stream.",
            metrics.peers);
  out.gauge("strop_collector_streams", "Open streams.", metrics.streams);
  out.counter("strop_collector_batches_total", "Batches taken.", metrics.batches);
  out.counter("strop_collector_batch_bytes_total", "Bytes of batches taken.", metrics.batch_bytes);
  out.counter("strop_collector_events_stored_total", "Records stored, gaps and dead letters too.",
              metrics.events_stored);
  out.counter("strop_collector_events_duplicate_total", "Records sent again and stored already.",
              metrics.events_duplicate);
  out.counter("strop_collector_events_erased_total", "Stored records that a gap took the place of.",
              metrics.events_erased);
  out.counter("strop_collector_events_scrubbed_total",
              "Events in which a secret was found and removed at ingest.", metrics.events_scrubbed);
  out.counter("strop_collector_sequence_lost_total",
              "Sequence numbers that neither side has any more.", metrics.sequence_lost);
  out.by_code<schema::RejectCode>("strop_collector_events_rejected_total",
                                  "Events that became dead letters.", metrics.rejected);
  out.by_code<schema::NackCode>("strop_collector_nacks_total", "Frames not taken.", metrics.nacked);
  out.counter("strop_collector_keys_refused_total", "Handshakes with a key not on the allow-list.",
              metrics.keys_refused);
  out.counter("strop_collector_answers_dropped_total", "Answers whose agent was gone.",
              metrics.answers_dropped);
  out.counter("strop_collector_commits_total", "Commits to the store.", metrics.commits);
  out.counter("strop_collector_commit_failures_total", "Commits that failed.",
              metrics.commit_failures);
  out.seconds("strop_collector_commit_seconds_total", "Time spent in commits.",
              metrics.commit_microseconds);
  return out.take();
}

HttpResponse respond(const std::string& path, Health& health, const Metrics& metrics) {
  if (path == "/metrics")
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(metrics, health.ready())};
  if (path == "/readyz") {
    // Of now: without events nobody else finds out.
    const std::string ill = health.ask(kPatienceMs);
    if (ill.empty() && health.ready()) return {200, "text/plain; charset=utf-8", "ready\n"};
    return {503, "text/plain; charset=utf-8", "not taking batches\n"};
  }
  if (path == "/healthz") {
    const std::string ill = health.ask(kPatienceMs);
    if (ill.empty()) return {200, "text/plain; charset=utf-8", "ok\n"};
    return {503, "text/plain; charset=utf-8", ill + "\n"};
  }
  return {404, "text/plain; charset=utf-8", "/healthz, /readyz or /metrics\n"};
}

}  // namespace strop::collector
