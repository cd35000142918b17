#include "collector/http/metrics_text.h"

#include <sstream>

#include "collector/http/process_use.h"
#include "collector/log.h"
#include "schema/wire.h"

namespace strop::collector {
namespace {

class Text {
 public:
  Text() { out_.precision(12); }

  template <class Number>
  void counter(const char* name, const char* help, const Number& value) {
    head(name, help, "counter") << name << ' ' << value << '\n';
  }
  template <class Number>
  void gauge(const char* name, const char* help, const Number& value) {
    head(name, help, "gauge") << name << ' ' << value << '\n';
  }
  void info(const char* name, const char* help, const char* version) {
    head(name, help, "gauge") << name << "{version=\"" << version << "\"} 1\n";
  }
  void histogram(const char* name, const char* help, const Durations& times) {
    head(name, help, "histogram");
    for (std::size_t bound = 0; bound < Durations::kBounds.size(); ++bound)
      out_ << name << "_bucket{le=\"" << static_cast<double>(Durations::kBounds[bound]) / 1e6
           << "\"} " << times.within(bound) << '\n';
    const std::uint64_t count = times.count();
    out_ << name << "_bucket{le=\"+Inf\"} " << count << '\n'
         << name << "_sum " << static_cast<double>(times.sum()) / 1e6 << '\n'
         << name << "_count " << count << '\n';
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

void tell_delivery(Text& out, const Metrics& metrics) {
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
  out.counter("strop_collector_events_expired_total", "Stored records erased by their age.",
              metrics.events_expired);
  out.counter("strop_collector_events_scrubbed_total",
              "Events in which a secret was found and removed at ingest.", metrics.events_scrubbed);
  out.counter("strop_collector_events_lost_total",
              "Sequence numbers that neither side has any more.", metrics.sequence_lost);
  out.by_code<schema::RejectCode>("strop_collector_events_rejected_total",
                                  "Events that became dead letters.", metrics.rejected);
  out.by_code<schema::NackCode>("strop_collector_nacks_total", "Frames not taken.", metrics.nacked);
  out.counter("strop_collector_keys_refused_total", "Handshakes with a key not on the allow-list.",
              metrics.keys_refused);
  out.counter("strop_collector_handshakes_failed_total",
              "Connections that did not get through the handshake.", metrics.handshakes_failed);
  out.counter("strop_collector_handshakes_throttled_total",
              "Handshakes that were too many for their key or address.",
              metrics.handshakes_throttled);
  out.counter("strop_collector_connections_unheard_total",
              "Connections that shook hands and were not heard then.", metrics.connections_unheard);
  out.counter("strop_collector_sessions_refused_total",
              "Connections that were too many for their key.", metrics.sessions_refused);
  out.counter("strop_collector_http_refused_total",
              "Web requests with a foreign Host or Origin, or without the token.",
              metrics.http_refused);
  out.counter("strop_collector_enrolments_total", "Keys let in by a token or announced by another.",
              metrics.enrolments);
  out.counter("strop_collector_enrolments_refused_total",
              "Keys not taken, with their reason in the log.", metrics.enrolments_refused);
  out.counter("strop_collector_answers_dropped_total", "Answers whose agent was gone.",
              metrics.answers_dropped);
  out.counter("strop_collector_log_lines_left_out_total",
              "Lines of the log left out, beyond 120 a minute of their event.",
              log_lines_left_out());
}

void tell_process(Text& out) {
  const ProcessUse use = process_use();
  out.counter("process_cpu_seconds_total", "Processor time used.", use.cpu_seconds);
  out.gauge("process_resident_memory_bytes", "Memory in use.", use.resident_bytes);
  out.gauge("process_open_fds", "Open files and connections.", use.open_files);
  out.gauge("process_max_fds", "Most that may be open.", use.most_open_files);
}

}  // namespace

std::string metrics_text(const Metrics& metrics, bool ready) {
  Text out;
  out.info("strop_collector_build_info", "The version that runs.", STROP_VERSION);
  out.gauge("strop_collector_store_checked",
            "1 once a SQLite store was looked through for damage since the start.",
            metrics.store_checked);
  out.gauge("strop_collector_ready", "1 while batches are taken.", ready ? 1 : 0);
  tell_delivery(out, metrics);
  out.histogram("strop_collector_commit_duration_seconds", "Commits to the store that went well.",
                metrics.commit_times);
  out.counter("strop_collector_commit_failures_total", "Commits that failed.",
              metrics.commit_failures);
  tell_process(out);
  return out.take();
}

}  // namespace strop::collector
