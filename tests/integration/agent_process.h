// strop-agent as an editor starts it, with a home of its own.
//
// Owns the folder, the process and its pipes. One thread.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::support {

inline std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class AgentProcess {
 public:
  // Where the agent is, for whoever starts it by other means.
  static std::string program() { return STROP_BIN_DIR "/strop-agent"; }

  std::filesystem::path at(const std::string& name) const { return folder_ / name; }
  std::string errors() const { return content(at("errors")); }

  // Full capture of what lies below `workspace`; no collector, so all of it stays in the spool.
  void consent(const std::string& workspace) {
    std::filesystem::create_directories(at("config/strop"));
    std::ofstream(at("config/strop/agent.toml"))
        << "mode = \"full\"\n[privacy]\nworkspaces = [\"" + workspace + "\"]\n";
  }

  // The command that runs the agent with these arguments in the home of this one.
  std::vector<std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{"/usr/bin/env", "HOME=" + folder_.path().string(),
                                   "XDG_CONFIG_HOME=" + at("config").string(),
                                   "XDG_STATE_HOME=" + at("state").string(), program()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }

  void start(const std::vector<std::string>& arguments) {
    Pipe in;
    Pipe out;
    const Descriptor err = open_to_append(at("errors"));
    process_.emplace(command(arguments), Streams{in.read.get(), out.write.get(), err.get()});
    to_agent_ = std::move(in.write);
    from_agent_ = std::move(out.read);
  }

  Process& process() { return *process_; }
  Descriptor& to_agent() { return to_agent_; }
  Descriptor& from_agent() { return from_agent_; }

  struct Said {
    int code = -1;
    std::string out;
  };
  // One of the agent's own commands, to its end.
  Said run(const std::vector<std::string>& arguments) const {
    std::filesystem::remove(at("out"));
    Said said;
    {
      const Descriptor out = open_to_append(at("out"));
      const Descriptor err = open_to_append(at("errors"));
      said.code = Process(command(arguments), Streams{-1, out.get(), err.get()}).wait();
    }
    said.out = content(at("out"));
    return said;
  }

  // How many events have been captured, once it is one or the time is over. Capture runs behind the
  // relay, and an agent that ends does not wait for it long.
  int await_captured() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    int captured = 0;
    while (captured == 0 && std::chrono::steady_clock::now() < deadline)
      captured = nlohmann::json::parse(run({"inspect", "--json"}).out)["ledger"]["captured"];
    return captured;
  }

 private:
  TemporaryFolder folder_;
  std::optional<Process> process_;
  Descriptor to_agent_;
  Descriptor from_agent_;
};

}  // namespace strop::support
