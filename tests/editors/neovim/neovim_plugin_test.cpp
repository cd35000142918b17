// The Neovim plugin in real Neovims, behind it the agent and a model server of this test: what is
// on the screen is the scene's to say (scenes.lua), what the agent then holds is said here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/model_server.h"
#include "integration/agent_process.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;

// The lines that the model knows, in the order in which it prefers them.
const std::vector<std::string> kKnown{
    "return width * height",      "total",         "height = 3", "height = width",
    "def twice():\n    return 2", "width * height"};

// What is missing of the known lines that begin with the last word or line of the prompt.
agent::test::ServerReply complete(const agent::test::ServerRequest& request) {
  std::string line = request.body.value("prompt", "");
  line = line.substr(line.find_last_of("\n;(") + 1);
  line = line.substr(std::min(line.find_first_not_of(' '), line.size()));
  const bool semicolon = request.body.value("prompt", "").find("struct") != std::string::npos;
  std::vector<std::string> texts;
  for (const std::string& known : kKnown)
    if (line.size() > 1 && known.starts_with(line) && known.size() > line.size())
      texts.push_back(known.substr(line.size()) + (semicolon ? ";" : ""));
  return {200, agent::test::completion_of(texts)};
}

struct Wanted {
  std::string type = "outcome";
  json fields;  // of the event, those that matter
};

struct Scene {
  std::string name;
  std::vector<Wanted> events;      // each is there
  std::vector<std::string> never;  // outcomes that no suggestion has
  bool own_ghost_text = false;     // of Neovims below 0.12 alone
};

struct Editor {
  std::string name;
  std::string program;
  bool own_ghost_text = true;
};

struct Played {
  Scene scene;
  Editor editor;
  friend void PrintTo(const Played& played, std::ostream* out) { *out << played.scene.name; }
};

Wanted outcome(json fields) { return {"outcome", std::move(fields)}; }

json accepted(const std::string& text, int candidate = 0) {
  return {{"outcome", "accepted"},
          {"evidence", "command"},
          {"source", "inline"},
          {"text", text},
          {"candidate", candidate}};
}

std::vector<Scene> scenes() {
  const std::string rest = "urn width * height";
  const Wanted rendered{"shown", {{"presence", "rendered"}}};
  return {
      {"Accept", {rendered, outcome(accepted(rest))}, {}},
      {"TabIsATabWhereNothingIsShown", {}, {"accepted"}},
      {"AcceptByWords",
       {rendered, outcome({{"outcome", "partial"}, {"evidence", "editor"}, {"text", "urn width"}})},
       {"accepted"}},
      {"WordsToTheEndAreAnAccept", {outcome(accepted("al"))}, {"partial"}},
      {"Dismiss",
       {rendered, outcome({{"outcome", "dismissed"}, {"how", "explicit"}, {"evidence", "editor"}})},
       {"accepted"}},
      {"TypeThrough", {outcome({{"outcome", "typed_through"}, {"text", rest}})}, {"accepted"}},
      {"TypeOver",
       {outcome({{"outcome", "dismissed"}, {"how", "typed_over"}, {"evidence", "state"}})},
       {"accepted"}},
      {"AnAnswerToAnOlderTextIsDropped", {}, {"accepted"}, true},
      {"TwoCandidates", {outcome(accepted("ight = width", 1))}, {"partial"}},
      {"SeveralLines", {outcome(accepted("wice():\n    return 2"))}, {}},
      {"PositionsAreInUtf16", {outcome(accepted(rest))}, {}},
      {"InTheMiddleOfALine", {outcome(accepted("th * height"))}, {}},
      {"RateByCommand",
       {{"rated",
         {{"dimensions", {{"correctness", 1}, {"security", -1}}}, {"reason", "short and right"}}}},
       {}},
      {"RateByMenu",
       {{"rated",
         {{"dimensions",
           {{"correctness", 1}, {"efficiency", 0}, {"readability", -1}, {"security", 1}}},
          {"reason", "because"}}}},
       {}},
      {"PauseAndResume", {outcome(accepted(rest))}, {}},
      {"PauseWithoutAnAgent", {}, {"accepted"}},
      {"TwoAgentsInOneEditor",
       {rendered, outcome(accepted(rest + ";")),
        outcome({{"outcome", "accepted"}, {"source", "popup"}, {"server", "clangd"}})},
       {}},
      {"WhereCaptureIsOffNothingMoreIsSaid", {}, {"accepted"}},
      {"WithoutTheAgentTheServerRunsAndAMessageSaysWhatToDo", {}, {"accepted"}},
      {"AConfigurationThatIsWrongIsShown", {}, {"accepted"}},
      {"Views", {outcome(accepted(rest))}, {}},
      {"Checkhealth", {}, {"accepted"}},
      {"CheckhealthWithoutAnAgent", {}, {}},
      {"Parts", {}, {}},
  };
}

// Debian's Neovim, and a newer one where `./dev setup` has put it.
std::vector<Editor> editors() {
  std::vector<Editor> all{{"Debian", "nvim", true}};
  const std::string newer = STROP_SOURCE_DIR "/.tools/nvim-0.12/nvim";
  if (std::filesystem::exists(newer)) all.push_back({"Nvim012", newer, false});
  return all;
}

std::vector<Played> all_played() {
  std::vector<Played> all;
  for (const Editor& editor : editors())
    for (const Scene& scene : scenes())
      if (editor.own_ghost_text || !scene.own_ghost_text) all.push_back({scene, editor});
  return all;
}

bool has(const json& event, const Wanted& wanted) {
  if (event.value("type", "") != wanted.type) return false;
  for (const auto& [name, value] : wanted.fields.items())
    if (!event.contains(name) || event[name] != value) return false;
  return true;
}

class NeovimPluginTest : public testing::TestWithParam<Played> {
 protected:
  std::filesystem::path configure(const std::string& name, const std::string& provider,
                                  const std::string& mode = "full") {
    std::filesystem::create_directories(home_.at("config/strop"));
    const std::filesystem::path file = home_.at("config/strop/" + name);
    std::ofstream(file) << "mode = \"" << mode << "\"\n"
                        << provider << "[privacy]\nworkspaces = [\"" << home_.at("project").string()
                        << "\"]\n";
    return file;
  }

  json plan(const Scene& scene) {
    const bool cpp = scene.name.starts_with("Two") && scene.name.ends_with("Editor");
    const std::filesystem::path file = home_.at(cpp ? "project/shapes.cpp" : "project/area.py");
    std::filesystem::create_directories(home_.at("project"));
    std::ofstream(file) << (cpp ? "struct Widget { int compute_area(); };\n"
                                  "int use(Widget w, int width, int height) {\n"
                                : "width = 2\n");
    const std::string provider =
        "[provider]\nurl = \"" + model_.url() + "\"\ncandidates = 2\nmultiline = true\n";
    configure("agent.toml", provider);
    return {{"scene", scene.name},
            {"plugin", STROP_SOURCE_DIR "/editor-extensions/neovim"},
            {"agent", AgentProcess::program()},
            {"root", home_.at("project")},
            {"file", file},
            {"without_provider", configure("without.toml", "")},
            {"off", configure("off.toml", "", "off")},
            {"wrong", configure("wrong.toml", "modus = 1\n")},
            {"result", home_.at("result")}};
  }

  int play(const Editor& editor, const json& plan) {
    const Descriptor log = open_to_append(home_.at("nvim.log"));
    Process nvim({"/usr/bin/env", "STROP_PLAN=" + plan.dump(), "HOME=" + home_.at("").string(),
                  "XDG_CONFIG_HOME=" + home_.at("config").string(),
                  "XDG_STATE_HOME=" + home_.at("state").string(), editor.program, "--headless",
                  "--clean", "-n", "-c", "luafile " STROP_TESTS_DIR "/editors/neovim/scenes.lua"},
                 {-1, log.get(), log.get()});
    return nvim.wait(std::chrono::minutes(3));
  }

  std::vector<json> events() const {
    std::vector<json> all;
    const json kept = json::parse(home_.run({"inspect", "--json"}).out);
    for (const json& record : kept["records"]) {
      json event = json::parse(record["bytes"].get<std::string>(), nullptr, false);
      if (event.is_object()) all.push_back(std::move(event));
    }
    return all;
  }

  AgentProcess home_;
  agent::test::ModelServer model_{complete};
};

TEST_P(NeovimPluginTest, IsSeenAndHeldAsItWas) {
  const Scene& scene = GetParam().scene;
  EXPECT_EQ(play(GetParam().editor, plan(scene)), 0);
  ASSERT_EQ(content(home_.at("result")), "OK\n") << content(home_.at("nvim.log"));

  const std::vector<json> events = this->events();
  const std::string held = json(events).dump(1).substr(0, 20000);
  for (const Wanted& wanted : scene.events)
    EXPECT_TRUE(std::any_of(events.begin(), events.end(),
                            [&](const json& event) { return has(event, wanted); }))
        << wanted.type << " " << wanted.fields << " is not among\n"
        << held;
  for (const std::string& never : scene.never)
    for (const json& event : events) EXPECT_NE(event.value("outcome", ""), never) << held;
}

INSTANTIATE_TEST_SUITE_P(Scenes, NeovimPluginTest, testing::ValuesIn(all_played()),
                         [](const auto& tried) {
                           return tried.param.scene.name + "_" + tried.param.editor.name;
                         });

}  // namespace
}  // namespace strop
