// The agent's log: a file in the state folder, never stderr, which belongs to the server.
//
// Sets spdlog's default logger, once, before any thread starts; a file above 4 MiB is set aside
// first as agent.log.1. Several agents append to one file, each line with its process id. Without a
// place to write there is no log, and nothing else changes.
#pragma once

#include <filesystem>

namespace strop::agent {

inline constexpr const char* kLogFile = "agent.log";

void open_log(const std::filesystem::path& state);

}  // namespace strop::agent
