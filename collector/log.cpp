#include "collector/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "collector/log_budget.h"

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

constexpr std::uint32_t kLinesPerMinute = 120;

std::atomic<std::uint64_t> left_out{0};

void write(spdlog::level::level_enum level, std::string_view event, LogFields fields) {
  static std::mutex mutex;
  static LogBudget budget(kLinesPerMinute);
  const double now_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
  std::optional<std::uint64_t> missing;
  {
    const std::lock_guard lock(mutex);
    missing = budget.take(std::string(event), now_ms);
  }
  if (!missing) {
    ++left_out;
    return;
  }
  std::string line = log_line(event, fields);
  if (*missing > 0) line += " left_out_before=" + std::to_string(*missing);
  logger().log(level, line);
}

}  // namespace

std::uint64_t log_lines_left_out() { return left_out.load(); }

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

void log_info(std::string_view event, LogFields fields) {
  write(spdlog::level::info, event, fields);
}
void log_warn(std::string_view event, LogFields fields) {
  write(spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, LogFields fields) {
  write(spdlog::level::err, event, fields);
}

}  // namespace strop::collector
