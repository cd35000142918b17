#include "collector/config.h"

#include <toml++/toml.h>
#include <charconv>

#include "collector/usage.h"

namespace strop::collector {
namespace {

constexpr std::int64_t kGreatestLimit = 1'000'000;

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw UsageError("configuration " + file + ": " + what);
}

void read_key(const std::string& file, const std::string& name, const toml::node& value,
              Config& config) {
  struct Text {
    const char* name;
    std::string Config::*field;
  };
  static constexpr Text kTexts[] = {{"store", &Config::store},
                                    {"bind", &Config::bind},
                                    {"keys", &Config::keys},
                                    {"http", &Config::http},
                                    {"pseudonym_key", &Config::pseudonym_key},
                                    {"http_token_file", &Config::http_token_file}};
  for (const auto& [text, field] : kTexts) {
    if (name != text) continue;
    const auto read = value.value_exact<std::string>();
    if (!read) refuse(file, "'" + name + "' must be a text");
    config.*field = *read;
    return;
  }
  if (name == "max_store_mib") {
    const auto mib = value.value_exact<std::int64_t>();
    if (!mib || *mib < 0)
      refuse(file, "'max_store_mib' must be a whole number, 0 for as much as the disk takes");
    config.max_store_mib = *mib;
    return;
  }
  for (const auto& [number, field] : {std::pair{"check_first_mib", &Config::check_first_mib},
                                      {"retention_days", &Config::retention_days}}) {
    if (name != number) continue;
    const auto read = value.value_exact<std::int64_t>();
    if (!read || *read < 0 || *read > kGreatestLimit)
      refuse(file, "'" + name + "' must be a whole number, not below 0");
    config.*field = *read;
    return;
  }
  for (const auto& [limit, field] : {std::pair{"sessions_per_key", &Config::sessions_per_key},
                                     {"handshakes_per_minute", &Config::handshakes_per_minute}}) {
    if (name != limit) continue;
    const auto read = value.value_exact<std::int64_t>();
    if (!read || *read < 0 || *read > kGreatestLimit)
      refuse(file, "'" + name + "' must be a whole number, 0 for no limit");
    config.*field = static_cast<std::uint32_t>(*read);
    return;
  }
  if (name == "http_hosts") {
    const toml::array* const hosts = value.as_array();
    if (hosts == nullptr || !(hosts->empty() || hosts->is_homogeneous<std::string>()))
      refuse(file, "'http_hosts' must be a list of names");
    for (const auto& host : *hosts) config.http_hosts.push_back(*host.value<std::string>());
    return;
  }
  if (name != "insecure_loopback") refuse(file, "unknown key '" + name + "'");
  const auto read = value.value_exact<bool>();
  if (!read) refuse(file, "'insecure_loopback' must be true or false");
  config.insecure_loopback = *read;
}

}  // namespace

Config read_config(const std::string& file) {
  const std::string path = file.empty() ? kDefaultConfig : file;
  if (!std::filesystem::exists(path)) {
    if (file.empty()) return {};
    throw UsageError("there is no configuration " + file +
                     "; give another --config, or none and the options themselves");
  }
  Config config;
  try {
    for (const auto& [name, value] : toml::parse_file(path))
      read_key(path, std::string(name.str()), value, config);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    refuse(path, std::string(error.description()) +
                     (line > 0 ? " in line " + std::to_string(line) : "; may you read it?"));
  }
  return config;
}

bool Endpoint::loopback() const {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

Endpoint parse_host_port(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  Endpoint out;
  out.host = address.substr(0, colon);
  if (port == "*") return out;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (out.host.empty() || port.empty() || error != std::errc() || end != port.data() + port.size())
    throw UsageError("'" + address + "' is not HOST:PORT, such as 127.0.0.1:7341");
  return out;
}

Endpoint parse_bind(const std::string& bind) {
  constexpr std::string_view kScheme = "tcp://";
  if (!bind.starts_with(kScheme))
    throw UsageError("'" + bind + "' is not tcp://HOST:PORT, such as tcp://127.0.0.1:7341");
  return parse_host_port(bind.substr(kScheme.size()));
}

}  // namespace strop::collector
