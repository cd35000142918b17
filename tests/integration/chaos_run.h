// One run of a chaos test: an editor at one end, strop-chaos-server at the other, directly or with
// the agent between them; and what then arrived at each end.
//
// Owns processes, pipes and folders of the run. One thread. Errors: exceptions, a deadlock among
// them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "integration/agent_process.h"
#include "integration/chaos_traffic.h"
#include "integration/duplex.h"

namespace strop::support {

// The most memory a process has had, in KiB; 0: it has ended.
inline long peak_kb(pid_t id) {
  std::istringstream status(content("/proc/" + std::to_string(id) + "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  return 0;
}

inline bool is_stopped(pid_t id) {
  const std::string stat = content("/proc/" + std::to_string(id) + "/stat");
  const std::size_t state = stat.rfind(") ");
  return state != std::string::npos && stat[state + 2] == 'T';
}

template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + Duplex::kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

// The editor's end of a run.
class Editor {
 public:
  Editor(Process& process, Descriptor& to, Descriptor& from, std::filesystem::path folder,
         bool relayed)
      : relayed_(relayed),
        process_(process),
        to_(to),
        from_(from),
        folder_(std::move(folder)),
        wire_(from.get(), to.get(), [this](std::string_view bytes) { received_ += bytes; }) {
    wire_.set_tick([this] { sample(); });
  }

  Duplex& wire() { return wire_; }
  bool is_relayed() const { return relayed_; }
  bool say(const Traffic& traffic) { return wire_.send(stream_of(traffic)); }
  std::string server_file(const std::string& name) const { return content(folder_ / name); }
  pid_t server() const { return std::stoi(server_file("server")); }

  // Neither reads nor writes for so long. False: what we started has ended.
  bool waits(std::chrono::milliseconds time) {
    sample();
    const bool ended = process_.has_ended(time);
    sample();
    return !ended;
  }
  void end_input() {
    sample();
    to_.close();
  }
  void read_to_end() { wire_.read_to_end(); }
  // As if killed: both pipes go at once.
  void die() {
    sample();
    to_.close();
    from_.close();
  }

  const std::string& received() const { return received_; }
  long peak() const { return peak_; }

 private:
  void sample() { peak_ = std::max(peak_, peak_kb(process_.id())); }

  const bool relayed_;
  Process& process_;
  Descriptor& to_;
  Descriptor& from_;
  const std::filesystem::path folder_;
  std::string received_;
  long peak_ = 0;
  Duplex wire_;
};

struct Arrived {
  std::string at_editor;
  std::string at_server;  // a digest; empty: it was killed before it could say
  int code = -1;          // how what the editor started has ended
  long peak_kb = 0;       // of what the editor started
};

using Script = std::function<void(Editor&)>;
using Steps = std::vector<std::string>;

inline std::vector<std::string> chaos_server(const std::filesystem::path& folder,
                                             const Steps& steps) {
  std::vector<std::string> command{STROP_BIN_DIR "/../tests/strop-chaos-server", folder.string()};
  command.insert(command.end(), steps.begin(), steps.end());
  return command;
}

inline Arrived arrived(Editor& editor, Process& process) {
  Arrived all;
  all.code = process.wait(Duplex::kPatience);
  all.at_editor = editor.received();
  all.at_server = editor.server_file("heard");
  all.peak_kb = editor.peak();
  return all;
}

inline Arrived run_direct(const Steps& steps, const Script& script) {
  const TemporaryFolder folder;
  Pipe in;
  Pipe out;
  Process process(chaos_server(folder.path(), steps), {in.read.get(), out.write.get(), -1});
  in.read.close();
  out.write.close();
  Editor editor(process, in.write, out.read, folder.path(), false);
  script(editor);
  return arrived(editor, process);
}

// `agent`: with consent, where a mode is to capture texts.
inline Arrived run_relayed(AgentProcess& agent, const std::string& mode, const Steps& steps,
                           const Script& script) {
  std::vector<std::string> arguments{"--mode", mode, "--"};
  const std::vector<std::string> server = chaos_server(agent.at(""), steps);
  arguments.insert(arguments.end(), server.begin(), server.end());
  agent.start(arguments);
  Editor editor(agent.process(), agent.to_agent(), agent.from_agent(), agent.at(""), true);
  script(editor);
  return arrived(editor, agent.process());
}

// ---- what capture changes, taken back

// Takes the agent's accept command out of every frame that has it, and mends the frame's length.
inline std::string without_accept(const std::string& stream) {
  constexpr std::string_view kName = "\"strop.accept.";
  constexpr std::string_view kItem = ",\"command\":{\"title\":\"\",\"command\":";
  constexpr std::string_view kLength = "Content-Length: ";
  std::string out;
  std::size_t from = 0;
  while (true) {
    const std::size_t name = stream.find(kName, from);
    if (name == std::string::npos) break;
    const std::size_t header = stream.rfind(kLength, name);
    const std::size_t body = stream.find("\r\n\r\n", header) + 4;
    const std::size_t length = std::stoul(stream.substr(header + kLength.size(), 12));
    std::string text = stream.substr(body, length);
    for (std::size_t at = text.find(kName); at != std::string::npos; at = text.find(kName)) {
      const std::size_t end = text.find('"', at + 1) + 1;
      if (at >= kItem.size() && text.compare(at - kItem.size(), kItem.size(), kItem) == 0)
        text.erase(at - kItem.size(), text.find(",null]}", at) + 7 - (at - kItem.size()));
      else
        text.erase(at - 1, end - (at - 1));  // with the comma before it
    }
    out += stream.substr(from, header - from) + framed(text);
    from = body + length;
  }
  return out + stream.substr(from);
}

inline std::string difference(const std::string& got, const std::string& want) {
  const auto [a, b] = std::mismatch(got.begin(), got.end(), want.begin(), want.end());
  const auto at = static_cast<std::size_t>(a - got.begin());
  const std::size_t from = at < 100 ? 0 : at - 100;
  return std::to_string(got.size()) + " bytes, not " + std::to_string(want.size()) +
         "; from byte " + std::to_string(at) + ": " + got.substr(from, 200) + "\n--- not\n" +
         want.substr(from, 200);
}

inline void expect_same(const Arrived& relayed, const Arrived& direct) {
  EXPECT_EQ(relayed.code, direct.code);
  EXPECT_EQ(relayed.at_server, direct.at_server);
  const std::string at_editor = without_accept(relayed.at_editor);
  EXPECT_TRUE(at_editor == direct.at_editor) << difference(at_editor, direct.at_editor);
}

}  // namespace strop::support
