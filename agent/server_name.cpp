#include "agent/server_name.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace strop::agent {
namespace {

constexpr std::array<std::string_view, 14> kInterpreters{
    "node", "nodejs", "deno",   "bun", "npx",  "ruby", "perl",
    "php",  "java",   "dotnet", "sh",  "bash", "env",  "python"};
// Options whose value names what is run.
constexpr std::array<std::string_view, 2> kRuns{"-m", "-jar"};

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool is_interpreter(std::string_view name) {
  if (name.starts_with("python") || name.starts_with("pypy"))
    name = "python";  // python3, python3.11
  return std::find(kInterpreters.begin(), kInterpreters.end(), name) != kInterpreters.end();
}

// deno run server.ts, env NAME=VALUE server: words that name nothing by themselves.
bool is_aside(std::string_view word) {
  return word.starts_with('-') || word == "run" || word.find('=') != std::string_view::npos;
}

}  // namespace

std::string server_name(const std::vector<std::string>& command) {
  if (command.empty()) return "";
  std::string name = base_name(command.front());
  for (std::size_t i = 1; i < command.size() && is_interpreter(name); ++i) {
    const bool runs = std::find(kRuns.begin(), kRuns.end(), command[i]) != kRuns.end();
    if (runs && i + 1 < command.size()) return base_name(command[i + 1]);
    if (!is_aside(command[i])) name = base_name(command[i]);
  }
  return name;
}

}  // namespace strop::agent
