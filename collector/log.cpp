#include "collector/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace strop::collector {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto out = spdlog::stderr_logger_mt("strop-collector");
    out->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
    out->flush_on(spdlog::level::info);
    return out;
  }();
  return *instance;
}

bool is_plain(const std::string& value) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+@*[]";
  return !value.empty() && value.find_first_not_of(kPlain) == std::string::npos;
}

}  // namespace

std::string log_line(std::string_view event, LogFields fields) {
  std::string line = "event=" + std::string(event);
  for (const auto& [name, value] : fields) {
    line += ' ';
    line += name;
    line += '=';
    line += is_plain(value) ? value
                            : nlohmann::json(value).dump(-1, ' ', true,
                                                         nlohmann::json::error_handler_t::replace);
  }
  return line;
}

void log_info(std::string_view event, LogFields fields) { logger().info(log_line(event, fields)); }
void log_warn(std::string_view event, LogFields fields) { logger().warn(log_line(event, fields)); }
void log_error(std::string_view event, LogFields fields) {
  logger().error(log_line(event, fields));
}

}  // namespace strop::collector
