// The collector's configuration: a TOML file, above it the command line.
//
// Values, any thread. Errors: UsageError with the file, the key and what it should be. A key that
// is not known is an error too, so that a slip of the pen does not go by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace strop::collector {

inline constexpr const char* kDefaultConfig = "/etc/strop/collector.toml";

struct Config {
  std::string store;          // path of a SQLite file, or postgresql://USER@HOST/DATABASE
  std::string bind;           // tcp://HOST:PORT, port 0 or * for any free one
  std::string keys;           // folder of server.key and allow.list
  std::string http;           // HOST:PORT on loopback; empty: none
  std::string pseudonym_key;  // file; empty: beside keys or store
  bool insecure_loopback = false;
  std::int64_t max_store_mib = 0;  // 0: as much as the disk takes
  // A SQLite store up to so large is looked through before events are taken, a larger one
  // meanwhile.
  std::optional<std::int64_t> check_first_mib;
  std::optional<std::int64_t> retention_days;  // 0: events are kept for ever
  std::string http_token_file;                 // bearer token of http, mode 0600; empty: none
  std::vector<std::string> http_hosts;  // names for http besides loopback's, such as a proxy's
  std::optional<std::uint32_t> sessions_per_key;       // connections at a time; 0: any number
  std::optional<std::uint32_t> handshakes_per_minute;  // of one key; 0: any number
};

// Reads `file`, or the default one if there is one and `file` is empty.
Config read_config(const std::string& file);

// tcp://HOST:PORT taken apart.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;  // 0: any free one
  bool loopback() const;
};
Endpoint parse_bind(const std::string& bind);          // tcp://127.0.0.1:7341
Endpoint parse_host_port(const std::string& address);  // 127.0.0.1:7342

}  // namespace strop::collector
