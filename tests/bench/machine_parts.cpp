#include "bench/machine_parts.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <stdexcept>
#include <zmq.hpp>

#include "bench/process_use.h"
#include "bench/simulated_agent.h"
#include "collector/keys.h"
#include "support/descriptor.h"

namespace strop::bench {
namespace {

constexpr std::size_t kRawBatch = 256;  // rows a transaction

void check(int result, sqlite3* db) {
  if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
    throw std::runtime_error(std::string("raw SQLite: ") + sqlite3_errmsg(db));
}

}  // namespace

Rate sqlite_alone(const std::string& file, const std::vector<std::string>& events, double seconds) {
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
  const double cpu = cpu_seconds(::getpid());
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
  return {count / took, (cpu_seconds(::getpid()) - cpu) / count * 1e6};
}

std::vector<double> sync_alone_us(const std::string& file, const std::vector<std::string>& events,
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

double curve_alone_per_second(std::size_t bytes, double seconds) {
  const std::string message(bytes, 'x');
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

}  // namespace strop::bench
