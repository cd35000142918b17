// When capture cannot keep up it misses messages: what it then says of a suggestion is `unknown` or
// true, never wrong, and it finds its feet again.
//
// Floods of changes to a large document, slower to follow than to relay, between the steps of
// suggestions whose truth is known by their text.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "integration/chaos_run.h"
#include "integration/lsp_client.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;

constexpr int kRounds = 3;
constexpr int kCycles = 12;    // of a round
constexpr int kFlood = 1'500;  // changes between two steps of a cycle

// KiB at most; a sanitizer's shadow and what it keeps of freed memory count too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kMost = 2 << 20;
#else
constexpr long kMost = 512 << 10;
#endif

enum class Truth { kAccepted, kNotAccepted };

class Typist {
 public:
  explicit Typist(AgentProcess& agent)
      : agent_(agent), client_(agent.from_agent().get(), agent.to_agent().get()) {}

  void open() {
    client_.ask("initialize", {{"processId", nullptr},
                               {"rootUri", "file://" + agent_.at("work").string()},
                               {"capabilities", json::object()}});
    client_.notify("initialized", json::object());
    std::string large;
    while (large.size() < (256u << 10)) large += "a line of a large document\n";
    for (const auto& [uri, text] : {std::pair(small(), text_), std::pair(big(), large)})
      client_.notify(
          "textDocument/didOpen",
          {{"textDocument",
            {{"uri", uri}, {"languageId", "plaintext"}, {"version", ++version_}, {"text", text}}}});
    json one = {{"jsonrpc", "2.0"},
                {"method", "textDocument/didChange"},
                {"params",
                 {{"textDocument", {{"uri", big()}, {"version", 1}}},
                  {"contentChanges", {{{"range", range(0, 0)}, {"text", "more\n"}}}}}}};
    change_ = LspClient::framed_json(one);
  }

  // One suggestion, with `flood` changes elsewhere before and after it is answered.
  int cycle(int way, int flood) {
    client_.notify("textDocument/didChange",
                   {{"textDocument", {{"uri", small()}, {"version", ++version_}}},
                    {"contentChanges", {{{"text", text_}}}}});
    const json answer =
        client_.ask("textDocument/inlineCompletion", {{"textDocument", {{"uri", small()}}},
                                                      {"position", position(0)},
                                                      {"context", {{"triggerKind", 2}}}});
    const int id = client_.last_id();
    const json& item = answer.at("result").at("items").at(0);
    const std::string suggested = item.at("insertText");
    truth_[suggested] = way == 2 ? Truth::kNotAccepted : Truth::kAccepted;
    pour(flood);
    if (way == 2) {
      insert(0, "z");
      insert(1, "q");
    } else {
      insert(0, suggested);
      if (way == 0)
        client_.ask("workspace/executeCommand", {{"command", item.at("command").at("command")},
                                                 {"arguments", item["command"]["arguments"]}});
    }
    pour(flood);
    text_ += "\n";
    ++line_;
    return id;
  }

  void pour(int changes) {
    std::string all;
    for (int i = 0; i < changes; ++i) all += change_;
    client_.say_bytes(all);
  }

  const std::map<std::string, Truth>& truth() const { return truth_; }
  LspClient& client() { return client_; }

 private:
  std::string small() const { return "file://" + agent_.at("work/small.txt").string(); }
  std::string big() const { return "file://" + agent_.at("work/big.txt").string(); }
  json position(int character) const { return {{"line", line_}, {"character", character}}; }
  static json range(int line, int character) {
    const json at = {{"line", line}, {"character", character}};
    return {{"start", at}, {"end", at}};
  }
  void insert(int character, const std::string& text) {
    client_.notify("textDocument/didChange",
                   {{"textDocument", {{"uri", small()}, {"version", ++version_}}},
                    {"contentChanges", {{{"range", range(line_, character)}, {"text", text}}}}});
    text_ += text;
  }

  AgentProcess& agent_;
  LspClient client_;
  std::string text_;
  std::string change_;
  int line_ = 0;
  int version_ = 0;
  std::map<std::string, Truth> truth_;
};

// The label that stands, by the suggestion's text.
std::map<std::string, std::string> labels(const AgentProcess& agent) {
  std::map<std::string, std::string> texts;
  std::map<std::string, std::string> labels;
  const json kept = json::parse(agent.run({"inspect", "--json"}).out);
  for (const json& record : kept["records"]) {
    const json event = json::parse(record["bytes"].get<std::string>(), nullptr, false);
    if (!event.is_object()) continue;
    const std::string id = event.value("suggestion", "");
    if (event["type"] == "offered") texts[id] = event["candidates"][0]["text"];
    if (event["type"] != "outcome") continue;
    const auto [label, first] = labels.insert_or_assign(texts.at(id), event["outcome"]);
    EXPECT_TRUE(first || event.contains("corrects")) << "two labels: " << event;
  }
  return labels;
}

TEST(TapDropTest, LabelsAreUnknownAndNeverWrong) {
  AgentProcess agent;
  std::filesystem::create_directories(agent.at("work"));
  agent.consent(agent.at("work"));
  agent.start(
      {"--", STROP_BIN_DIR "/../tests/strop-chaos-server", agent.at("").string(), "answer"});
  Typist typist(agent);
  typist.open();
  const auto captured = [&](int id) {
    const auto all = labels(agent);
    const auto found = all.find("completion_" + std::to_string(id) + "();");
    return found != all.end() && found->second == "accepted";
  };
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kCycles; ++i) typist.cycle(i % 3, kFlood);
    // Nothing more is in its way: sooner or later an accept is captured as such again.
    ASSERT_TRUE(comes_true([&] { return captured(typist.cycle(0, 0)); })) << "round " << round;
  }
  EXPECT_LT(peak_kb(agent.process().id()), kMost);
  agent.to_agent().close();
  typist.client().read_to_end();
  EXPECT_EQ(agent.process().wait(), 0);

  int unknown = 0;
  for (const auto& [text, label] : labels(agent)) {
    if (label == "unknown") {
      ++unknown;
      continue;
    }
    if (typist.truth().at(text) == Truth::kAccepted)
      EXPECT_EQ(label, "accepted") << text;
    else
      EXPECT_TRUE(label == "dismissed" || label == "unseen") << text << " " << label;
  }
  EXPECT_GT(unknown, 0);
  const std::string log = content(agent.at("state/strop/agent.log"));
  const json counts = json::parse(log.substr(log.rfind("session {") + 8));
  EXPECT_GT(counts["tap"]["dropped"], 0) << counts;
  EXPECT_EQ(counts["messages"]["faults"], 0) << counts;
}

}  // namespace
}  // namespace strop
