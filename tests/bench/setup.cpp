#include "bench/setup.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

// Nobody listens there: the agent tries now and then, as it does when the team's server is away.
std::string configuration(const fs::path& workspace) {
  return "mode = \"full\"\n[privacy]\nworkspaces = ['" + workspace.string() +
         "']\n[collector]\nendpoint = \"tcp://127.0.0.1:9\"\nplain = true\n";
}

std::string find_command(const std::string& folder, const std::string& name) {
  std::stringstream places((folder.empty() ? "" : folder + ":") + std::getenv("PATH"));
  for (std::string place; std::getline(places, place, ':');)
    if (fs::exists(fs::path(place) / name)) return fs::path(place) / name;
  return "";
}

}  // namespace

Setup::Setup(Programs programs, double scale) : programs_(std::move(programs)), scale_(scale) {
  fs::create_directories(workspace() / ".git");
  fs::create_directories(home_ / "config" / "strop");
  std::ofstream(home_ / "config" / "strop" / "agent.toml") << configuration(workspace());
  ::setenv("HOME", home_.path().c_str(), 1);
  ::setenv("XDG_CONFIG_HOME", (home_ / "config").c_str(), 1);
  ::setenv("XDG_STATE_HOME", (home_ / "state").c_str(), 1);
}

int Setup::count(int whole, int least) const {
  return std::max(least, static_cast<int>(whole * scale_));
}

Line Setup::agent_off() const {
  return {"agent, capture off", {programs_.agent, "--mode", "off", "--"}, true};
}

Line Setup::agent_full() const { return {"agent, capture in full", {programs_.agent, "--"}, true}; }

std::vector<Line> Setup::lines() const {
  std::vector<Line> lines{direct(), pump(), agent_off(), agent_full()};
  lines.push_back({"two cats", {"sh", "-c", R"(cat | "$0" "$@" | cat)"}, false, true});
  if (const std::string socat = find_command(programs_.relays, "socat"); !socat.empty())
    lines.push_back(
        {"socat", {"sh", "-c", "exec '" + socat + R"(' - "EXEC:$0 $*,pipes")"}, false, true});
  if (const std::string tools = find_command(programs_.relays, "lsp-devtools"); !tools.empty())
    lines.push_back({"lsp-devtools", {tools, "agent", "--"}, false, true, true});
  return lines;
}

std::string Setup::uri(int number) const {
  return "file://" + (workspace() / ("file" + std::to_string(number) + ".cpp")).string();
}

}  // namespace strop::bench
