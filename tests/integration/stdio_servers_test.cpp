// Real servers behind the agent: a dialogue has the same answers as without us, and what an editor
// then accepts from their lists is captured as what it was.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "integration/agent_process.h"
#include "integration/lsp_client.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;

constexpr const char* kPrograms = STROP_SOURCE_DIR "/.tools/node/node_modules/.bin/";

struct Scene {
  std::string name;
  std::vector<std::string> server;
  std::string file;
  std::string language;
  std::string text;   // of the file; the last line is typed on
  std::string typed;  // there, key by key
  int begins = 0;     // of the word in it that the completion replaces
  std::string accepts;
  std::string dialect;
  friend void PrintTo(const Scene& scene, std::ostream* out) { *out << scene.name; }
};

const std::vector<Scene>& scenes() {
  static const std::vector<Scene> all{
      {"TypeScript",
       {"typescript-language-server", "--stdio"},
       "shapes.ts",
       "typescript",
       "class Widget {\n  displayName = 1;\n  computeArea() { return 3; }\n}\n"
       "const w = new Widget();\n",
       "w.comp",
       2,
       "computeArea",
       "lsp-completion"},
      {"Bash",
       {"bash-language-server", "start"},
       "shapes.sh",
       "shellscript",
       "compute_area() {\n  echo 3\n}\n",
       "compute_ar",
       0,
       "compute_area",
       "lsp-completion"},
      {"Tabby",
       {"tabby-agent", "--lsp", "--stdio"},
       "fib.py",
       "python",
       "def fib(n):\n    if n < 2:\n        return n\n",
       "    ",
       4,
       "return fib(n - 1) + fib(n - 2)",
       "tabby"},
  };
  return all;
}

std::string label_of(const json& item) {
  if (item.contains("textEdit")) return item["textEdit"]["newText"];
  return item.value("insertText", item["label"].get<std::string>());
}

const json& items_of(const json& answer) {
  static const json kNone = json::array();
  const json& result = answer.contains("result") ? answer["result"] : kNone;
  if (result.is_object()) return result.at("items");
  return result.is_array() ? result : kNone;
}

// An answer without what differs from one process to the next, and without the agent's command.
json comparable(json answer) {
  if (!answer.contains("result")) return answer;
  json& result = answer["result"];
  json* items = result.is_object() && result.contains("items") ? &result["items"] : &result;
  if (items->is_array())
    for (json& item : *items)
      if (item.is_object()) item.erase("data");
  const json::json_pointer provider("/result/capabilities/executeCommandProvider");
  if (answer.contains(provider)) {
    json kept = json::array();
    for (const json& name : answer[provider]["commands"])
      if (!name.get<std::string>().starts_with("strop.accept.")) kept.push_back(name);
    answer[provider]["commands"] = kept;
    if (kept.empty()) answer["result"]["capabilities"].erase("executeCommandProvider");
  }
  return answer;
}

class StdioServerTest : public testing::TestWithParam<Scene> {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(agent_.at("project"));
    agent_.consent(agent_.at("project"));
    std::ofstream(agent_.at("project") / GetParam().file) << GetParam().text;
    if (GetParam().dialect == "tabby") start_backend();
  }

  std::vector<std::string> server() const {
    std::vector<std::string> command = GetParam().server;
    command.front() = kPrograms + command.front();
    return command;
  }

  // What the server answers; `accepted`: called when the completion stands in the document.
  std::vector<json> talk(const Descriptor& in, const Descriptor& out,
                         const std::function<void()>& accepted) {
    const Scene& scene = GetParam();
    const std::string uri = "file://" + (agent_.at("project") / scene.file).string();
    LspClient client(in.get(), out.get());
    std::vector<json> answers;
    const json completion = {{"completionItem", {{"snippetSupport", false}}}};
    answers.push_back(client.ask(
        "initialize", {{"processId", nullptr},
                       {"rootUri", "file://" + agent_.at("project").string()},
                       {"capabilities", {{"textDocument", {{"completion", completion}}}}}}));
    const json& sync = answers[0].at("result").at("capabilities").at("textDocumentSync");
    const bool whole = (sync.is_object() ? sync.value("change", 1) : sync.get<int>()) == 1;
    client.notify("initialized", json::object());
    std::string text = scene.text;
    client.notify(
        "textDocument/didOpen",
        {{"textDocument",
          {{"uri", uri}, {"languageId", scene.language}, {"version", 1}, {"text", text}}}});
    int version = 1;
    const auto line = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    const auto at = [line](int character) -> json {
      return {{"line", line}, {"character", character}};
    };
    const json document = {{"uri", uri}};
    const auto replace = [&](int begin, int end, const std::string& with) {
      text.resize(text.size() - static_cast<std::size_t>(end - begin));
      text += with;
      const json range = {{"start", at(begin)}, {"end", at(end)}};
      const json change = whole ? json{{"text", text}} : json{{"range", range}, {"text", with}};
      client.notify("textDocument/didChange",
                    {{"textDocument", {{"uri", uri}, {"version", ++version}}},
                     {"contentChanges", json::array({change})}});
    };
    int cursor = 0;
    for (const char key : scene.typed) {
      replace(cursor, cursor, std::string(1, key));
      ++cursor;
    }
    answers.push_back(completed(client, document, at(cursor)));
    replace(scene.begins, cursor, scene.accepts);
    accepted();
    if (answers[0]["result"]["capabilities"].contains("hoverProvider"))
      answers.push_back(client.ask(
          "textDocument/hover", {{"textDocument", document}, {"position", at(scene.begins + 2)}}));
    answers.push_back(client.ask("shutdown", nullptr));
    client.notify("exit", nullptr);
    for (json& answer : answers) answer.erase("id");
    return answers;
  }

  AgentProcess agent_;

 private:
  // The list, once it has what is to be accepted: servers read files and ask their backend first.
  json completed(LspClient& client, const json& document, const json& position) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
      json answer = client.ask(
          "textDocument/completion",
          {{"textDocument", document}, {"position", position}, {"context", {{"triggerKind", 1}}}});
      for (const json& item : items_of(answer))
        if (label_of(item).find(GetParam().accepts) != std::string::npos) return answer;
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("no completion: " + answer.dump());
    }
  }

  void start_backend() {
    const Descriptor log = open_to_append(agent_.at("backend.log"));
    backend_.emplace(
        std::vector<std::string>{"node", STROP_TESTS_DIR "/integration/tabby_backend.mjs",
                                 agent_.at("port").string()},
        Streams{-1, log.get(), log.get()});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (content(agent_.at("port")).empty()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << content(agent_.at("backend.log"));
      ::poll(nullptr, 0, 5);
    }
    std::filesystem::create_directories(agent_.at(".tabby-client/agent"));
    std::ofstream(agent_.at(".tabby-client/agent/config.toml"))
        << "[server]\nendpoint = \"http://127.0.0.1:" << content(agent_.at("port"))
        << "\"\n[anonymousUsageTracking]\ndisable = true\n";
  }

  std::optional<Process> backend_;
};

TEST_P(StdioServerTest, AnswersAsItDoesDirectlyAndTheAcceptIsCaptured) {
  std::vector<json> direct;
  {
    Pipe in;
    Pipe out;
    const Descriptor log = open_to_append(agent_.at("direct.log"));
    std::vector<std::string> command{"/usr/bin/env", "HOME=" + agent_.at("").string()};
    for (const std::string& word : server()) command.push_back(word);
    Process process(command, Streams{in.read.get(), out.write.get(), log.get()});
    in.read.close();
    out.write.close();
    direct = talk(out.read, in.write, [] {});
    in.write.close();
    process.wait();
  }
  std::vector<std::string> arguments{"--"};
  for (const std::string& word : server()) arguments.push_back(word);
  agent_.start(arguments);
  json outcome;
  json seen;
  const std::vector<json> relayed = talk(agent_.from_agent(), agent_.to_agent(), [&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (outcome.is_null() && std::chrono::steady_clock::now() < deadline) {
      seen = json::parse(agent_.run({"inspect", "--json"}).out)["records"];
      for (const json& record : seen) {
        json event = json::parse(record["bytes"].get<std::string>(), nullptr, false);
        if (event.is_object() && event["type"] == "outcome") outcome = std::move(event);
      }
    }
  });
  agent_.to_agent().close();
  agent_.process().wait();

  ASSERT_EQ(relayed.size(), direct.size());
  for (std::size_t i = 0; i < direct.size(); ++i)
    EXPECT_EQ(comparable(relayed[i]), comparable(direct[i]));
  ASSERT_FALSE(outcome.is_null()) << seen.dump(1).substr(0, 4000);
  EXPECT_EQ(outcome["outcome"], "accepted") << outcome;
  EXPECT_EQ(outcome["source"], "popup") << outcome;
  EXPECT_EQ(outcome["dialect"], GetParam().dialect) << outcome;
  EXPECT_NE(outcome["text"].get<std::string>().find(GetParam().accepts), std::string::npos)
      << outcome;
}

INSTANTIATE_TEST_SUITE_P(RealServers, StdioServerTest, testing::ValuesIn(scenes()),
                         [](const auto& tried) { return tried.param.name; });

}  // namespace
}  // namespace strop
