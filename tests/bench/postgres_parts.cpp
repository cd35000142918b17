#include "bench/postgres_parts.h"

#include <libpq-fe.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

#include "bench/simulated_agent.h"

namespace strop::bench {
namespace {

constexpr std::size_t kColumns = 10;
constexpr std::size_t kTransactionBytes = 1 << 20;
constexpr std::size_t kMostRows = 512;
constexpr const char* kInto =
    "raw_events (stream, seq, span, type, suggestion, contributor, t_ms, received_ms, hash,"
    " payload)";

// As PostgreSQL's binary form has it: big-endian.
template <class T>
std::string binary(T value) {
  std::string out(sizeof(T), '\0');
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  return out;
}

class Client {
 public:
  explicit Client(const std::string& url) : connection_(PQconnectdb(url.c_str()), &PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail();
    // As the store does.
    run("SELECT set_config(name, 'lz4', false) FROM pg_settings"
        " WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)");
    run("SET search_path = strop; SET synchronous_commit = on; SET client_min_messages = warning");
  }

  void run(const std::string& sql) { expect(PQexec(connection_.get(), sql.c_str())); }
  void prepare(const std::string& sql) {
    expect(PQprepare(connection_.get(), "rows", sql.c_str(), 0, nullptr));
  }
  void run_prepared(const std::vector<std::string>& values) {
    std::vector<const char*> at;
    std::vector<int> sizes;
    for (const std::string& value : values) {
      at.push_back(value.data());
      sizes.push_back(static_cast<int>(value.size()));
    }
    const std::vector<int> binary_form(values.size(), 1);
    expect(PQexecPrepared(connection_.get(), "rows", static_cast<int>(values.size()), at.data(),
                          sizes.data(), binary_form.data(), 1));
  }
  void copy(const std::string& rows) {
    expect(PQexec(connection_.get(),
                  (std::string("COPY ") + kInto + " FROM STDIN (FORMAT binary)").c_str()));
    if (PQputCopyData(connection_.get(), rows.data(), static_cast<int>(rows.size())) != 1 ||
        PQputCopyEnd(connection_.get(), nullptr) != 1)
      fail();
    while (PGresult* result = PQgetResult(connection_.get())) expect(result);
  }

 private:
  [[noreturn]] void fail() {
    throw std::runtime_error(std::string("PostgreSQL by itself: ") +
                             PQerrorMessage(connection_.get()));
  }
  void expect(PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN) fail();
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

// The rows of one client, one after another.
class Rows {
 public:
  Rows(const std::vector<std::string>& events, int client)
      : events_(events), stream_(binary<std::int64_t>(client + 1)) {}

  std::array<std::string, kColumns> next() {
    const std::string& event = events_[static_cast<std::size_t>(seq_) % events_.size()];
    ++seq_;
    std::string hash = binary(static_cast<std::uint64_t>(seq_) * 0x9e3779b97f4a7c15ULL);
    hash += hash;
    return {stream_,
            binary(seq_),
            binary<std::int64_t>(1),
            "offered",
            "s" + std::to_string(seq_),
            "contributor-0123456789abcdef",
            binary(std::bit_cast<std::uint64_t>(1.7e12)),
            binary<std::int64_t>(1'700'000'000'000),
            hash,
            event};
  }

 private:
  const std::vector<std::string>& events_;
  const std::string stream_;
  std::int64_t seq_ = 0;
};

std::size_t rows_of_a_transaction(const std::vector<std::string>& events) {
  return std::min(kMostRows, std::max<std::size_t>(kTransactionBytes / events.front().size(), 1));
}

std::string copy_text(Rows& rows, std::size_t count) {
  // Signature with no flags and no extension.
  std::string out("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
  for (std::size_t i = 0; i < count; ++i) {
    out += binary<std::int16_t>(kColumns);
    for (const std::string& value : rows.next())
      out.append(binary(static_cast<std::int32_t>(value.size()))).append(value);
  }
  return out + binary<std::int16_t>(-1);
}

std::string insert_text(std::size_t count) {
  std::string sql = std::string("INSERT INTO ") + kInto + " VALUES ";
  for (std::size_t i = 0; i < count * kColumns; ++i)
    sql.append(i % kColumns == 0 ? (i == 0 ? "($" : "), ($") : ", $").append(std::to_string(i + 1));
  return sql + ") ON CONFLICT DO NOTHING";
}

// What one client does at a time; rows stored.
using Work = std::function<std::size_t(Client& client, Rows& rows)>;

double rate_of_all(const std::string& url, const std::vector<std::string>& events, double seconds,
                   const std::function<void(Client&)>& prepare, const Work& work) {
  Client(url).run(
      "DROP TABLE IF EXISTS raw_events; CREATE TABLE raw_events (LIKE events INCLUDING ALL)");
  std::atomic<std::size_t> stored{0};
  std::atomic<bool> failed{false};
  std::exception_ptr why;
  std::vector<std::thread> threads;
  const double begin = steady_us();
  for (int i = 0; i < kPostgresClients; ++i)
    threads.emplace_back([&, i] {
      try {
        Client client(url);
        prepare(client);
        Rows rows(events, i);
        while (!failed && steady_us() - begin < seconds * 1e6) stored += work(client, rows);
      } catch (...) {
        if (!failed.exchange(true)) why = std::current_exception();
      }
    });
  for (std::thread& thread : threads) thread.join();
  const double took = (steady_us() - begin) / 1e6;
  if (failed) std::rethrow_exception(why);
  Client(url).run("DROP TABLE raw_events");
  return static_cast<double>(stored) / took;
}

}  // namespace

double postgres_copy_per_second(const std::string& url, const std::vector<std::string>& events,
                                double seconds) {
  const std::size_t count = rows_of_a_transaction(events);
  return rate_of_all(
      url, events, seconds, [](Client&) {},
      [count](Client& client, Rows& rows) {
        client.copy(copy_text(rows, count));
        return count;
      });
}

double postgres_insert_per_second(const std::string& url, const std::vector<std::string>& events,
                                  double seconds) {
  const std::size_t count = rows_of_a_transaction(events);
  return rate_of_all(
      url, events, seconds, [count](Client& client) { client.prepare(insert_text(count)); },
      [count](Client& client, Rows& rows) {
        std::vector<std::string> values;
        for (std::size_t i = 0; i < count; ++i)
          for (std::string& value : rows.next()) values.push_back(std::move(value));
        client.run_prepared(values);
        return count;
      });
}

}  // namespace strop::bench
