// Events a second through CURVE, checked, scrubbed and durable, beside what the machine's parts do
// by themselves in the same run; and how long an acknowledgement takes at half of that.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <stdexcept>

#include "bench/captured_events.h"
#include "bench/collector_setup.h"

namespace strop::bench {
namespace {

constexpr std::size_t kAgents = 16;
constexpr std::size_t kBatchBytes = 256 << 10;  // as strop-agent ships a backlog
constexpr std::size_t kRawBatch = 256;          // rows a transaction
constexpr double kGoalShare = 0.8;
constexpr double kGoalAckMs = 25;

struct Load {
  const char* name;
  std::size_t bytes;
};

double cpu_of_this_process() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void check(int result, sqlite3* db) {
  if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
    throw std::runtime_error(std::string("raw SQLite: ") + sqlite3_errmsg(db));
}

struct Rate {
  double per_second = 0;
  double cpu_us = 0;  // of one event
};

// Rows of one blob, nothing else, committed in groups to a log that is synced: the least that any
// store in SQLite has to do.
Rate raw_sqlite(const std::string& file, const std::vector<std::string>& events, double seconds) {
  sqlite3* db = nullptr;
  check(sqlite3_open(file.c_str(), &db), db);
  check(sqlite3_exec(db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "CREATE TABLE events (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)",
                     nullptr, nullptr, nullptr),
        db);
  sqlite3_stmt* insert = nullptr;
  check(sqlite3_prepare_v2(db, "INSERT INTO events (payload) VALUES (?1)", -1, &insert, nullptr),
        db);
  const double cpu = cpu_of_this_process();
  const double begin = steady_us();
  std::size_t rows = 0;
  while (steady_us() - begin < seconds * 1e6) {
    check(sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr), db);
    for (std::size_t i = 0; i < kRawBatch; ++i, ++rows) {
      const std::string& event = events[rows % events.size()];
      check(
          sqlite3_bind_text(insert, 1, event.data(), static_cast<int>(event.size()), SQLITE_STATIC),
          db);
      check(sqlite3_step(insert), db);
      sqlite3_reset(insert);
    }
    check(sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr), db);
  }
  const double took = (steady_us() - begin) / 1e6;
  sqlite3_finalize(insert);
  sqlite3_close(db);
  const auto count = static_cast<double>(rows);
  return {count / took, (cpu_of_this_process() - cpu) / count * 1e6};
}

// Appends of one small batch, each synced.
std::vector<double> raw_sync_us(const std::string& file, const std::vector<std::string>& events,
                                int count) {
  const support::Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const std::string& event = events[static_cast<std::size_t>(i) % events.size()];
    const double begin = steady_us();
    if (::write(out.get(), event.data(), event.size()) < 0 || ::fdatasync(out.get()) != 0)
      throw std::runtime_error("cannot write to " + file);
    times.push_back(steady_us() - begin);
  }
  return times;
}

// Messages of such a size from one CURVE socket of this process to another.
double raw_curve_per_second(const std::string& message, double seconds) {
  zmq::context_t context;
  const schema::CurveKey door = collector::make_key_pair();
  const schema::CurveKey key = collector::make_key_pair();
  zmq::socket_t pull(context, zmq::socket_type::pull);
  pull.set(zmq::sockopt::curve_server, true);
  pull.set(zmq::sockopt::curve_secretkey, door.secret_key);
  pull.bind("tcp://127.0.0.1:*");
  zmq::socket_t push(context, zmq::socket_type::push);
  push.set(zmq::sockopt::linger, 0);
  push.set(zmq::sockopt::curve_serverkey, door.public_key);
  push.set(zmq::sockopt::curve_publickey, key.public_key);
  push.set(zmq::sockopt::curve_secretkey, key.secret_key);
  push.connect(pull.get(zmq::sockopt::last_endpoint));
  zmq::message_t got;
  push.send(zmq::buffer(message), zmq::send_flags::none);
  if (!pull.recv(got)) throw std::runtime_error("CURVE: nothing came");
  std::size_t count = 0;
  const double begin = steady_us();
  while (steady_us() - begin < seconds * 1e6) {
    for (int i = 0; i < 100; ++i)
      if (!push.send(zmq::buffer(message), zmq::send_flags::dontwait)) break;
    while (pull.recv(got, zmq::recv_flags::dontwait)) ++count;
  }
  return static_cast<double>(count) / ((steady_us() - begin) / 1e6);
}

std::vector<schema::Record> next_records(const std::vector<std::string>& events, std::size_t& at,
                                         std::size_t count) {
  std::vector<schema::Record> records;
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) records.push_back({1, events[at++ % events.size()]});
  return records;
}

// Everything the agents hold goes out as fast as credits allow.
double saturated_per_second(Crowd& crowd, const std::vector<std::string>& events, double seconds) {
  const std::size_t batch = std::max<std::size_t>(kBatchBytes / events.front().size(), 1);
  std::size_t at = 0;
  const auto fill = [&] {
    for (SimulatedAgent& agent : crowd.agents())
      while (agent.may_send(kBatchBytes + (16 << 10)))
        agent.send(next_records(events, at, batch), steady_us());
  };
  const auto for_so_long = [&](double us) {
    std::uint64_t acked = 0;
    const double begin = steady_us();
    while (steady_us() - begin < us) {
      fill();
      acked += crowd.take(std::chrono::milliseconds(20));
    }
    return static_cast<double>(acked) / ((steady_us() - begin) / 1e6);
  };
  for_so_long(seconds * 0.2e6);  // until all is in motion
  return for_so_long(seconds * 1e6);
}

// Small batches at fixed times, whatever the answers: what is late waits on nobody's account.
std::vector<double> open_loop_us(Crowd& crowd, const std::vector<std::string>& events,
                                 double per_second, double seconds) {
  constexpr std::size_t kBatch = 8;
  const double every_us = kBatch / per_second * 1e6;
  std::size_t at = 0;
  std::size_t turn = 0;
  std::vector<double> latencies;
  double due = steady_us();
  const double end = due + seconds * 1e6;
  while (due < end) {
    for (; due <= steady_us() && due < end; due += every_us) {
      SimulatedAgent& agent = crowd.agents()[turn++ % kAgents];
      agent.send(next_records(events, at, kBatch), due);
    }
    // A millisecond at least: who spins takes a processor from the collector.
    const double left_ms = std::max(1.0, (due - steady_us()) / 1000);
    crowd.take(std::chrono::milliseconds(static_cast<int>(left_ms)), &latencies);
  }
  crowd.settle(&latencies);
  return latencies;
}

void tell_cpu(Report& report, const std::string& bench, const CollectorProcess& collector,
              const std::map<std::string, double>& before, double events) {
  for (const auto& [name, seconds] : collector.cpu_seconds()) {
    const auto was = before.find(name);
    const double spent = seconds - (was == before.end() ? 0 : was->second);
    const double us = spent / events * 1e6;
    if (us >= 0.1)
      report.add({bench, "processor: collector, thread " + name, us, "µs/event", "", {}, "", true});
  }
}

void measure_load(const CollectorSetup& setup, const Load& load, Report& report) {
  const std::string bench = std::string("delivery, events of ") + load.name;
  const std::vector<std::string> events = captured_events(512, load.bytes);
  const double seconds = setup.seconds(6);

  const support::TemporaryFolder folder;
  const Rate raw = raw_sqlite(folder / "raw.db", events, seconds);
  report.add({bench, "SQLite by itself, groups of 256", raw.per_second, "1/s", "", {}, "", true});
  const std::string message(load.bytes, 'x');
  report.add({bench,
              "CURVE by itself, one event a message",
              raw_curve_per_second(message, seconds / 3),
              "1/s",
              "",
              {},
              "",
              true});

  CollectorProcess collector(setup.collector(), kAgents);
  collector.start(folder / "store.db");
  Crowd crowd(collector, 0, kAgents);
  crowd.greet();
  const auto cpu_before = collector.cpu_seconds();
  const double own_before = cpu_of_this_process();
  const double rate = saturated_per_second(crowd, events, seconds);
  crowd.settle();
  const double spent_on = static_cast<double>(crowd.acked());
  report.add({bench, "stored, as fast as they are taken", rate, "1/s", "SQLite by itself",
              rate / raw.per_second, ">= 0.8", rate >= kGoalShare * raw.per_second});
  report.add({bench, "processor: SQLite by itself", raw.cpu_us, "µs/event", "", {}, "", true});
  tell_cpu(report, bench, collector, cpu_before, spent_on);
  report.add({bench,
              "processor: the simulated agents",
              (cpu_of_this_process() - own_before) / spent_on * 1e6,
              "µs/event",
              "",
              {},
              "",
              true});

  const Quantiles sync = quantiles(raw_sync_us(folder / "raw", events, setup.count(2000, 50)));
  report.add(
      {bench, "write and fdatasync by itself, p99", sync.p99 / 1000, "ms", "", {}, "", true});
  const Quantiles ack = quantiles(open_loop_us(crowd, events, rate / 2, seconds));
  report.add({bench, "acknowledged at half load, p50", ack.p50 / 1000, "ms", "", {}, "", true});
  report.add({bench, "acknowledged at half load, p99", ack.p99 / 1000, "ms", "fdatasync p99",
              ack.p99 / sync.p99, "<= 25 ms or x 2",
              ack.p99 / 1000 <= kGoalAckMs || ack.p99 <= 2 * sync.p99});
}

}  // namespace

void measure_delivery(const CollectorSetup& setup, Report& report) {
  for (const Load& load : {Load{"1 KB", 1 << 10}, Load{"12 KB", 12 << 10}})
    measure_load(setup, load, report);
}

}  // namespace strop::bench
