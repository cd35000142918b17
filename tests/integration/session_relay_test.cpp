// Every recorded session, played through a real agent to a real process on its other side, with the
// bytes recorded at both ends: nothing differs but what DESIGN.md lists.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "integration/agent_process.h"
#include "support/session_player.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;
namespace fs = std::filesystem;

struct Case {
  fs::path session;
  Split split;
  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.name(); }
  std::string name() const {
    const char* words[] = {"whole", "bytes", "random"};
    return session.stem().string() + "_" + words[static_cast<int>(split)];
  }
  std::string split_word() const { return name().substr(session.stem().string().size() + 1); }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const fs::path& session : session_files(STROP_TESTS_DIR))
    for (const Split split : {Split::kWhole, Split::kBytes, Split::kRandom})
      all.push_back({session, split});
  return all;
}

constexpr unsigned kSeed = 11;
constexpr const char* kAccept = "strop.accept.";

bool is_accept(const json& command) {
  return command.is_object() && command.contains("command") &&
         command["command"].get<std::string>().starts_with(kAccept);
}

// The items of an inline answer, in either of its shapes.
json* items_of(json& message) {
  if (!message.contains("result")) return nullptr;
  json& result = message["result"];
  if (result.is_array()) return &result;
  return result.is_object() && result.contains("items") ? &result["items"] : nullptr;
}

// A message as it was before the agent's listed changes. `original` tells alone whether the command
// list was there.
json undone(json message, const json& original) {
  if (json* items = items_of(message)) {
    for (json& item : *items) {
      if (!item.is_object() || !item.contains("command") || !is_accept(item["command"])) continue;
      const json inner = item["command"]["arguments"][1];
      if (inner.is_null())
        item.erase("command");
      else
        item["command"] = inner;
    }
  }
  const json::json_pointer provider("/result/capabilities/executeCommandProvider");
  if (message.contains(provider)) {
    json& commands = message[provider]["commands"];
    json kept = json::array();
    for (const json& name : commands)
      if (!name.get<std::string>().starts_with(kAccept)) kept.push_back(name);
    EXPECT_EQ(commands.size(), kept.size() + 1) << "exactly one command is announced";
    commands = kept;
    if (!original.contains(provider))
      message["result"]["capabilities"].erase("executeCommandProvider");
  }
  return message;
}

// An editor runs an item's command as it got it: the wrapped one.
std::string as_the_editor_got_it(const std::string& body,
                                 const std::vector<std::string>& received) {
  auto request = nlohmann::ordered_json::parse(body);
  if (request.value("method", "") != "workspace/executeCommand") return body;
  for (const std::string& text : received) {
    json message = json::parse(text);
    const json* items = items_of(message);
    for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
      const json& command = (*items)[i].value("command", json());
      if (!is_accept(command)) continue;
      const json& inner = command["arguments"][1];
      const json asked = json::parse(body)["params"];
      if (inner.is_null() || inner["command"] != asked["command"] ||
          inner["arguments"] != asked["arguments"])
        continue;
      request["params"]["command"] = command["command"];
      request["params"]["arguments"] = command["arguments"];
      return request.dump();
    }
  }
  return body;
}

class SessionRelayTest : public testing::TestWithParam<Case> {
 protected:
  // `before_end`: called when all has been played and nothing has ended yet.
  void play(const std::vector<std::string>& flags, const SessionPlayer::Adapt& adapt = {},
            const std::function<void()>& before_end = {}) {
    std::vector<std::string> arguments = flags;
    arguments.insert(arguments.end(), {"--", STROP_BIN_DIR "/../tests/strop-scripted-server",
                                       GetParam().session.string(), agent_.at("").string(),
                                       GetParam().split_word(), std::to_string(kSeed)});
    agent_.start(arguments);
    editor_.emplace(true, agent_.from_agent().get(), agent_.to_agent().get(),
                    Splitter(GetParam().split, kSeed + 1));
    editor_->play(in_causal_order(read_session(GetParam().session)), adapt);
    if (before_end) before_end();
    agent_.to_agent().close();
    editor_->read_to_end();
    EXPECT_EQ(agent_.process().wait(), 0) << agent_.errors();
  }
  std::string server(const std::string& what) const { return content(agent_.at(what)); }

  AgentProcess agent_;
  std::optional<SessionPlayer> editor_;
};

TEST_P(SessionRelayTest, WithModeOffBytesInAreBytesOut) {
  play({"--mode", "off"});
  EXPECT_FALSE(editor_->sent().empty());
  EXPECT_TRUE(editor_->sent() == server("received"));
  EXPECT_TRUE(server("sent") == editor_->received());
  EXPECT_EQ(server("sent"), stream_of(read_session(GetParam().session), false));
}

TEST_P(SessionRelayTest, WithCaptureOnOnlyTheListedChangesAreMade) {
  agent_.consent("/home/developer");
  // It is capture: something comes to lie in the spool.
  int captured = 0;
  play({}, as_the_editor_got_it, [&] { captured = agent_.await_captured(); });
  EXPECT_GT(captured, 0);

  // To the editor: message for message, each the server's but for the list.
  std::vector<RecordedMessage> said;
  for (RecordedMessage& message : in_causal_order(read_session(GetParam().session)))
    if (!message.from_client) said.push_back(std::move(message));
  ASSERT_EQ(editor_->messages().size(), said.size());
  for (std::size_t i = 0; i < said.size(); ++i) {
    const std::string& got = editor_->messages()[i];
    if (got.find(kAccept) == std::string::npos)
      EXPECT_EQ(got, said[i].body);
    else
      EXPECT_EQ(undone(json::parse(got), json::parse(said[i].body)), json::parse(said[i].body));
  }
  // To the server: the very bytes of the recording, an accept's command unwrapped.
  EXPECT_EQ(server("received"), stream_of(in_causal_order(read_session(GetParam().session)), true));
}

INSTANTIATE_TEST_SUITE_P(Recorded, SessionRelayTest, testing::ValuesIn(cases()),
                         [](const auto& tried) { return tried.param.name(); });

}  // namespace
}  // namespace strop
