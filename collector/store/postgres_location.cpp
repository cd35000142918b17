#include "collector/store/postgres_location.h"

#include <libpq-fe.h>

#include <map>
#include <memory>

#include "collector/usage.h"

namespace strop::collector {
namespace {

// What the URL sets, by libpq's names.
std::map<std::string, std::string> options_in(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), &error), PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> message(error, PQfreemem);
  if (!options)
    throw UsageError(
        "this --store is not postgresql://USER@HOST/DATABASE as libpq reads it; see `URIs` in "
        "PostgreSQL's documentation of connection strings");
  std::map<std::string, std::string> out;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) out[option->keyword] = option->val;
  return out;
}

}  // namespace

void check_database_url(const std::string& url) {
  const auto options = options_in(url);
  if (options.contains("password") || options.contains("sslpassword"))
    throw UsageError(
        "a password in --store can be read by everybody on this machine; put it into ~/.pgpass "
        "(mode 0600), or into a file that PGPASSFILE names");
  if (!options.contains("dbname"))
    throw UsageError("which database? Give --store postgresql://USER@HOST/DATABASE");
}

std::string connection_url(const std::string& url, bool to_write) {
  const auto given = options_in(url);
  std::string out = url;
  const auto set = [&](const char* name, const char* value) {
    if (given.contains(name)) return;
    out += (out.find('?') == std::string::npos ? '?' : '&') + std::string(name) + '=' + value;
  };
  set("application_name", "strop-collector");
  set("connect_timeout", "3");
  set("keepalives_idle", "5");
  set("keepalives_interval", "3");
  set("keepalives_count", "3");
  set("tcp_user_timeout", "15000");
  if (to_write) set("target_session_attrs", "read-write");
  return out;
}

}  // namespace strop::collector
