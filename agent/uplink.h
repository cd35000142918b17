// Ships what the spools of one user hold to the collector, and keeps the spool folder in order.
//
// Owns a thread, which owns its ZeroMQ sockets. Of a user's agents the one that holds the lock file
// works for all; when it ends another takes over. Of several collectors it stays with one while
// that takes events, else it goes on to the next. Without any it only keeps order (limits of size
// and age). Any thread may call stop() and status(). Times are milliseconds, sizes bytes. Errors:
// read_uplink_options says what to do; later ones are logged, once each, and retried; nothing is
// lost by them, records stay in the spool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/config.h"
#include "schema/curve_key.h"

namespace strop::agent {

struct UplinkOptions {
  std::filesystem::path state;
  std::vector<std::string> endpoints;   // of one database; none: keep order alone
  std::optional<schema::CurveKey> key;  // this user's pair
  std::string server_key;               // the collector's public key
  std::string next_server_key;          // the one it is to have next; empty: not known
  std::filesystem::path key_file;       // where they are; read anew for each connection
  std::filesystem::path server_key_file;
  SpoolConfig limits;
  double grace_ms = 24 * 3600e3;  // acked records stay so long, for a restored collector
  double reconnect_min_ms = 500;  // doubles up to the greatest, jittered
  double reconnect_max_ms = 45'000;
  double lock_retry_ms = 500;  // how often another's lock is tried
  double look_ms = 100;        // when the spools are looked at again after something was new
  double look_max_ms = 2'000;  // doubles up to this while nothing is: others' records wait so long
  double tidy_ms = 60'000;     // how often limits and grace are applied
  double answer_ms = 5'000;    // how long a connection may take to come about
  double refused_ms = 10'000;  // a collector that cannot store is left for another after so long
  std::size_t max_batch = 256 << 10;
  std::function<bool()> is_paused;  // asked once a second; empty: never
};

// The HOST of tcp://HOST:PORT. Refused: any other form.
tl::expected<std::string, std::string> host_of_collector(const std::string& endpoint);

// Takes the configuration's endpoints and keys. Refused: an endpoint that is no tcp://HOST:PORT,
// one beyond loopback without keys, a key file that others can read, a key that is none.
tl::expected<UplinkOptions, std::string> read_uplink_options(const Config& config);

struct UplinkStatus {
  bool holds_lock = false;
  bool connected = false;     // the collector has answered
  std::uint64_t shipped = 0;  // records, those sent again included
  std::uint64_t acked = 0;    // sequence numbers
  std::uint64_t rejected = 0;
  std::string trouble;  // what keeps it from shipping; empty: nothing
};

class Uplink {
 public:
  explicit Uplink(UplinkOptions options);
  ~Uplink();  // stop()

  // Something was appended: ship it now rather than at the next look. Never waits.
  void wake();

  // Ends at once; what is left goes with the next agent.
  void stop();

  UplinkStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strop::agent
