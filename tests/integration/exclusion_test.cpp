// Nothing excluded ever reaches a disk or a model server: a real agent, an editor that opens every
// kind of excluded file and asks for completions in each, and a search of every byte that the agent
// left in its home and sent to the model server.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/model_server.h"
#include "integration/agent_process.h"
#include "support/session_player.h"

namespace strop {
namespace {

using namespace support;
using nlohmann::json;
namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};

// Stands in each file's text once; what is excluded must show up nowhere.
std::string marker_of(const std::string& name) {
  std::string out = "marker_";
  for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return out + "_end";
}

class ExclusionTest : public testing::Test {
 protected:
  ExclusionTest()
      : model_([this](const agent::test::ServerRequest&) {
          return agent::test::ServerReply{200, agent::test::completion_of({"answer_of_the_model"}),
                                          agent::test::ServerReply::Then::kKeepAlive, false};
        }) {}

  fs::path work() const { return agent_.at("work"); }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

  // Excludes files in every way there is; all of those.
  std::vector<fs::path> exclude() const {
    write(work() / ".git/HEAD", "ref: refs/heads/main\n");
    write(work() / ".git/info/exclude", "*.local\n");
    write(work() / ".gitignore", "*.gen.py\nbuild/\n");
    write(work() / ".stropignore", "private/\n");
    write(work() / ".copilotignore", "*.secret.py\n");
    write(work() / "deep/.cursorignore", "/cursor.py\n");
    write(agent_.at(".gitconfig"), "[core]\n\texcludesFile = ~/ignored\n");
    write(agent_.at("ignored"), "*.mine\n");
    std::vector<fs::path> excluded{work() / ".env",
                                   work() / "app/.env.production",
                                   work() / "server.pem",
                                   work() / "id_ed25519",
                                   work() / ".aws/credentials",
                                   work() / ".npmrc",
                                   work() / "main.tfvars",
                                   work() / ".ssh/config",
                                   work() / "x.gen.py",
                                   work() / "build/a.py",
                                   work() / "private/a.py",
                                   work() / "a.secret.py",
                                   work() / "deep/cursor.py",
                                   work() / "legal/a.py",
                                   work() / "notes.local",
                                   work() / "diary.mine",
                                   work() / "never.py"};
    EXPECT_EQ(agent_.run({"forget", "--file", (work() / "never.py").string(), "--never"}).code, 0)
        << agent_.errors();
    // A name that says nothing, for a file that is excluded.
    write(work() / ".env", "x\n");
    fs::create_symlink(work() / ".env", work() / "harmless.py");
    excluded.push_back(work() / "harmless.py");
    return excluded;
  }

  static std::string text_of(const fs::path& file) {
    return "value = " + marker_of(file.string()) + "\nprint(value)\n";
  }

  // With what comes behind the name of the program.
  void start(const std::vector<std::string>& arguments = {}) {
    fs::create_directories(agent_.at("config/strop"));
    std::ofstream(agent_.at("config/strop/agent.toml"))
        << "mode = \"full\"\n[privacy]\nworkspaces = [\"" << work().string()
        << "\"]\nexclude = [\"legal/\"]\n[provider]\nurl = \"" << model_.url()
        << "\"\nfim = \"server\"\n";
    agent_.start(arguments);
  }

  void open_session() {
    say({{"method", "initialize"},
         {"id", 1},
         {"params",
          {{"rootUri", "file://" + work().string()},
           {"capabilities",
            {{"textDocument",
              {{"inlineCompletion", {{"dynamicRegistration", false}}},
               {"synchronization", json::object()}}}}}}}});
    await(1);
    say({{"method", "initialized"}, {"params", json::object()}});
  }

  void say(json message) {
    message["jsonrpc"] = "2.0";
    const std::string body = message.dump();
    const std::string frame = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    for (std::size_t at = 0; at < frame.size();) {
      const ssize_t put = ::write(agent_.to_agent().get(), frame.data() + at, frame.size() - at);
      ASSERT_GT(put, 0);
      at += static_cast<std::size_t>(put);
    }
  }

  // The answer to the request of this number; requests of the agent are answered on the way.
  json await(int id) {
    const auto deadline = Steady::now() + kPatience;
    while (Steady::now() < deadline) {
      const std::size_t header = got_.find("\r\n\r\n");
      if (header != std::string::npos) {
        const std::size_t size = std::stoul(got_.substr(got_.find(':') + 1));
        if (got_.size() >= header + 4 + size) {
          const json message = json::parse(got_.substr(header + 4, size));
          got_.erase(0, header + 4 + size);
          if (message.contains("method") && message.contains("id"))
            say({{"id", message["id"]}, {"result", nullptr}});
          else if (message.value("id", json()) == id)
            return message;
          continue;
        }
      }
      pollfd ready{agent_.from_agent().get(), POLLIN, 0};
      ::poll(&ready, 1, 100);
      if (ready.revents == 0) continue;
      char buffer[4096];
      const ssize_t count = ::read(agent_.from_agent().get(), buffer, sizeof buffer);
      if (count <= 0) break;
      got_.append(buffer, static_cast<std::size_t>(count));
    }
    ADD_FAILURE() << "no answer to " << id << "; " << agent_.errors();
    return {};
  }

  // Opens the file, asks at the end of its first line, types a little, asks again.
  void work_on(const fs::path& file, const std::string& text) {
    const std::string uri = "file://" + file.string();
    say({{"method", "textDocument/didOpen"},
         {"params",
          {{"textDocument",
            {{"uri", uri}, {"languageId", "python"}, {"version", 1}, {"text", text}}}}}});
    for (int turn = 0; turn < 2; ++turn) {
      const auto end = static_cast<int>(text.find('\n')) + turn;
      const json position{{"line", 0}, {"character", end}};
      say({{"method", "textDocument/inlineCompletion"},
           {"id", ++last_id_},
           {"params",
            {{"textDocument", {{"uri", uri}}},
             {"position", position},
             {"context", {{"triggerKind", 1}}}}}});
      await(last_id_);
      say({{"method", "textDocument/didChange"},
           {"params",
            {{"textDocument", {{"uri", uri}, {"version", turn + 2}}},
             {"contentChanges",
              {{{"range", {{"start", position}, {"end", position}}}, {"text", "x"}}}}}}});
    }
  }

  void end() {
    say({{"method", "shutdown"}, {"id", ++last_id_}});
    await(last_id_);
    say({{"method", "exit"}});
    EXPECT_EQ(agent_.process().wait(), 0) << agent_.errors();
  }

  // Every byte that the agent wrote: its state, its log, what it said on its error output.
  std::map<std::string, std::string> left_on_disk() const {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(agent_.at("state")))
      if (entry.is_regular_file()) out[entry.path().string()] = content(entry.path());
    out["errors"] = agent_.errors();
    return out;
  }
  std::string sent_to_model() const {
    std::string out;
    for (const agent::test::ServerRequest& request : model_.requests())
      out += request.target + request.authorization + request.body.dump() + "\n";
    return out;
  }

  bool is_on_disk(const std::string& what) const {
    const auto disk = left_on_disk();
    return std::any_of(disk.begin(), disk.end(), [&](const auto& file) {
      return file.second.find(what) != std::string::npos;
    });
  }

  static json message_of(const std::string& method) { return {{"method", method}}; }
  // Adds a message to the session that server and editor will play.
  void tell(bool from_client, json message) {
    message["jsonrpc"] = "2.0";
    const json record{
        {"t_ms", ++told_ms_}, {"dir", from_client ? "c2s" : "s2c"}, {"raw", message.dump()}};
    session_ += record.dump() + "\n";
  }
  // The file is opened, the server offers its marker at the end, the editor takes it.
  void tell_of_an_accept(const fs::path& file) {
    const json document{{"uri", "file://" + file.string()}};
    json opened = document;
    opened.update({{"languageId", "python"}, {"version", 1}, {"text", "value = "}});
    tell(true, {{"method", "textDocument/didOpen"}, {"params", {{"textDocument", opened}}}});
    const json position{{"line", 0}, {"character", 8}};
    const json range{{"start", position}, {"end", position}};
    const std::string text = marker_of(file.string());
    tell(true, {{"method", "textDocument/inlineCompletion"},
                {"id", ++last_id_},
                {"params",
                 {{"textDocument", document},
                  {"position", position},
                  {"context", {{"triggerKind", 1}}}}}});
    tell(false, {{"id", last_id_},
                 {"result", {{"items", json::array({{{"insertText", text}, {"range", range}}})}}}});
    json changed = document;
    changed["version"] = 2;
    tell(true, {{"method", "textDocument/didChange"},
                {"params",
                 {{"textDocument", changed},
                  {"contentChanges", json::array({{{"range", range}, {"text", text}}})}}}});
    tell(true, {{"method", "textDocument/didClose"}, {"params", {{"textDocument", document}}}});
  }

  AgentProcess agent_;
  agent::test::ModelServer model_;
  std::string session_;
  int told_ms_ = 0;
  std::string got_;
  int last_id_ = 1;
};

TEST_F(ExclusionTest, NothingOfAnExcludedFileIsOnDiskOrAtTheModel) {
  const std::vector<fs::path> excluded = exclude();
  const fs::path open = work() / "open.py";
  start();
  open_session();
  work_on(open, text_of(open));
  for (const fs::path& file : excluded) work_on(file, text_of(file));
  // A secret in a file that is not excluded, which the cursor cuts.
  const std::string secret = std::string("ghp_") + "a8Bf3kQ9ZxW2mN7rT5vY1cD4eH6jL0pSgUqi";
  work_on(work() / "cut.py", "t = '" + secret.substr(0, 21) + "\n" + "u = '" + secret + "'\n");
  work_on(open, text_of(open));
  // What is behind the last of these has been captured once all before it was.
  EXPECT_GT(agent_.await_captured(), 0);
  end();

  const std::string wire = sent_to_model();
  // The search can find: what is not excluded is there.
  EXPECT_TRUE(is_on_disk(marker_of(open.string())));
  EXPECT_NE(wire.find(marker_of(open.string())), std::string::npos);

  for (const fs::path& file : excluded) {
    EXPECT_FALSE(is_on_disk(marker_of(file.string()))) << file;
    EXPECT_EQ(wire.find(marker_of(file.string())), std::string::npos) << file;
  }
  EXPECT_FALSE(is_on_disk(secret));
  EXPECT_EQ(wire.find(secret), std::string::npos);
}

// A language server of another offers text in every file: captured are those that may be.
TEST_F(ExclusionTest, WhatAServerOffersInAnExcludedFileIsNotOnDisk) {
  std::vector<fs::path> files = exclude();
  const std::size_t excluded = files.size();
  files.push_back(work() / "open.py");
  json initialize = message_of("initialize");
  initialize["id"] = 1;
  initialize["params"] = {{"rootUri", "file://" + work().string()},
                          {"capabilities", json::object()}};
  tell(true, initialize);
  tell(false,
       {{"id", 1},
        {"result",
         {{"serverInfo", {{"name", "offerer"}}},
          {"capabilities", {{"textDocumentSync", 2}, {"inlineCompletionProvider", true}}}}}});
  for (const fs::path& file : files) tell_of_an_accept(file);
  const fs::path session = agent_.at("session.jsonl");
  write(session, session_);

  start({"--", STROP_BIN_DIR "/../tests/strop-scripted-server", session.string(),
         agent_.at("").string(), "whole", "1"});
  SessionPlayer editor(true, agent_.from_agent().get(), agent_.to_agent().get(),
                       Splitter(Split::kWhole, 1));
  editor.play(in_causal_order(read_session(session)));
  // The last one: all before it are through then. An agent that ends waits for little.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!is_on_disk(marker_of(files.back().string())) &&
         std::chrono::steady_clock::now() < deadline)
    agent_.await_captured();
  agent_.to_agent().close();
  editor.read_to_end();
  EXPECT_EQ(agent_.process().wait(), 0) << agent_.errors();

  EXPECT_TRUE(is_on_disk(marker_of(files.back().string())));
  files.pop_back();
  for (const fs::path& file : files) EXPECT_FALSE(is_on_disk(marker_of(file.string()))) << file;
  // It was offered there, and the gate it was that kept it.
  int suppressed = 0;
  const json all = json::parse(agent_.run({"inspect", "--json"}).out);
  for (const json& count : all["ledger"]["suppressed"]) suppressed += count.get<int>();
  EXPECT_GE(suppressed, static_cast<int>(excluded)) << all["ledger"];
  EXPECT_EQ(sent_to_model().find("marker_"), std::string::npos);
}

}  // namespace
}  // namespace strop
