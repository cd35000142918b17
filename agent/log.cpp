#include "agent/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

namespace strop::agent {
namespace {

constexpr std::uintmax_t kMaxLog = 4u << 20;

}  // namespace

void open_log(const std::filesystem::path& state) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(state, error);
  fs::permissions(state, fs::perms::owner_all, error);
  const fs::path file = state / kLogFile;
  const std::uintmax_t size = fs::file_size(file, error);
  if (!error && size > kMaxLog) fs::rename(file, state / "agent.log.1", error);
  try {
    spdlog::set_default_logger(spdlog::basic_logger_mt("strop", file.string()));
  } catch (const spdlog::spdlog_ex&) {
    spdlog::set_default_logger(spdlog::create<spdlog::sinks::null_sink_mt>("strop"));
  }
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %P %l %v");
  spdlog::flush_on(spdlog::level::warn);
  // What cannot be written to the log is not worth a line on the server's stderr.
  spdlog::set_error_handler([](const std::string&) {});
}

}  // namespace strop::agent
