// A real Neovim with real language servers behind the agent: it works as without us, and what was
// accepted is captured as what it was.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "integration/agent_process.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;

struct Scene {
  std::string name;
  std::vector<std::string> server;
  std::string file;
  std::string filetype;
  std::string text;
  json lines;
  std::string typed;  // what the text is followed by in the end
  std::set<std::string> accepted;
  friend void PrintTo(const Scene& scene, std::ostream* out) { *out << scene.name; }
};

const std::vector<Scene>& scenes() {
  static const std::vector<Scene> all{
      {"Clangd",
       {"clangd", "--background-index=0", "--log=error"},
       "shapes.cpp",
       "cpp",
       "struct Widget { int display_name; int display_order; int compute_area(); };\n"
       "void use(Widget w) {\n",
       {{{"before", "w.comp"}, {"choose", "compute_area"}, {"after", "();"}},
        {{"before", "w.disp"}, {"choose", "display_order"}, {"after", " = 3;"}}},
       "w.compute_area();\nw.display_order = 3;\n",
       {"compute_area", "display_order"}},
      {"Pyright",
       {STROP_SOURCE_DIR "/.tools/node/node_modules/.bin/pyright-langserver", "--stdio"},
       "shapes.py",
       "python",
       "class Widget:\n    display_name = 1\n    display_order = 2\n"
       "    def compute_area(self): return 3\n\nw = Widget()\n",
       {{{"before", "w.comp"}, {"choose", "compute_area"}, {"after", "()"}},
        {{"before", "w.disp"}, {"choose", "display_order"}, {"after", " = 3"}}},
       "w.compute_area()\nw.display_order = 3\n",
       {"compute_area", "display_order"}},
  };
  return all;
}

class NeovimTest : public testing::TestWithParam<Scene> {};

TEST_P(NeovimTest, CompletesThroughTheAgentAndTheAcceptsAreCaptured) {
  const Scene& scene = GetParam();
  AgentProcess agent;
  std::filesystem::create_directories(agent.at("project"));
  agent.consent(agent.at("project"));
  std::ofstream(agent.at("project") / scene.file) << scene.text;

  std::vector<std::string> relayed{"--"};
  relayed.insert(relayed.end(), scene.server.begin(), scene.server.end());
  const json plan = {{"command", agent.command(relayed)},
                     {"root", agent.at("project")},
                     {"file", agent.at("project") / scene.file},
                     {"filetype", scene.filetype},
                     {"lines", scene.lines},
                     {"result", agent.at("result")}};
  const Descriptor log = open_to_append(agent.at("nvim.log"));
  Process nvim({"/usr/bin/env", "STROP_PLAN=" + plan.dump(), "HOME=" + agent.at("").string(),
                "XDG_STATE_HOME=" + agent.at("nvim-state").string(), "nvim", "--headless",
                "--clean", "-n", "-c", "luafile " STROP_TESTS_DIR "/integration/neovim.lua"},
               {-1, log.get(), log.get()});
  EXPECT_EQ(nvim.wait(std::chrono::minutes(3)), 0) << content(agent.at("nvim.log"));

  std::istringstream typed(scene.text + scene.typed);
  std::istringstream got(content(agent.at("result")));
  // An editor indents as it likes.
  for (std::string want, line; std::getline(typed, want);) {
    ASSERT_TRUE(std::getline(got, line)) << "at " << want;
    EXPECT_EQ(line.substr(std::min(line.find_first_not_of(" \t"), line.size())),
              want.substr(std::min(want.find_first_not_of(" \t"), want.size())));
  }

  std::set<std::string> accepted;
  const json kept = json::parse(agent.run({"inspect", "--json"}).out);
  for (const json& record : kept["records"]) {
    const json event = json::parse(record["bytes"].get<std::string>(), nullptr, false);
    if (!event.is_object()) continue;  // a gap
    if (event.value("type", "") == "outcome" && event.value("outcome", "") == "accepted") {
      const std::string text = event["text"];
      accepted.insert(text.substr(0, text.find('(')));
    }
  }
  EXPECT_EQ(accepted, scene.accepted) << kept.dump(1).substr(0, 4000);
}

INSTANTIATE_TEST_SUITE_P(RealServers, NeovimTest, testing::ValuesIn(scenes()),
                         [](const auto& tried) { return tried.param.name; });

}  // namespace
}  // namespace strop
