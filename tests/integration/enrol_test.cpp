// Enrolment and the rotation of keys, by the two programs as people run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "agent/spool.h"
#include "agent/spool_store.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Said {
  int code = -1;
  std::string out;
  std::string err;
};

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class EnrolmentTest : public testing::Test {
 protected:
  EnrolmentTest() {
    run({bin("strop-collector"), "keys", "generate", "--keys", at("keys")});
    serve();
  }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  static std::string bin(const std::string& name) {
    return std::string(STROP_BIN_DIR) + "/" + name;
  }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(folder_ / name) << text;
    ::chmod(at(name).c_str(), mode);
  }

  void serve() {
    const std::string port = port_.empty() ? "0" : port_;
    fs::remove(folder_ / "port");
    const support::Descriptor log = support::open_to_append(folder_ / "collector.log");
    collector_.emplace(
        std::vector<std::string>{bin("strop-collector"), "serve", "--store", at("store.db"),
                                 "--bind", "tcp://127.0.0.1:" + port, "--keys", at("keys"),
                                 "--port-file", at("port"), "--config", "/dev/null"},
        support::Streams{-1, -1, log.get()});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!(std::ifstream(folder_ / "port") >> port_)) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("does not listen");
      collector_->has_ended(std::chrono::milliseconds(5));
    }
  }

  // What a command says; `in` is a file for its stdin.
  Said run(std::vector<std::string> command, const std::string& in = "/dev/null") const {
    command.insert(command.begin(),
                   {"/usr/bin/env", "HOME=" + at("home"), "XDG_CONFIG_HOME=" + at("config"),
                    "XDG_STATE_HOME=" + at("state")});
    fs::remove(folder_ / "out");
    fs::remove(folder_ / "err");
    const support::Descriptor out = support::open_to_append(folder_ / "out");
    const support::Descriptor err = support::open_to_append(folder_ / "err");
    const support::Descriptor input(::open(in.c_str(), O_RDONLY | O_CLOEXEC));
    support::Process process(command, {input.get(), out.get(), err.get()});
    const int code = process.wait();
    return {code, content(folder_ / "out"), content(folder_ / "err")};
  }
  Said agent(std::vector<std::string> arguments, const std::string& in = "/dev/null") const {
    arguments.insert(arguments.begin(), bin("strop-agent"));
    return run(arguments, in);
  }
  Said collector(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), bin("strop-collector"));
    arguments.insert(arguments.end(), {"--keys", at("keys")});
    return run(arguments);
  }
  void write_token(const std::string& name) const {
    const Said said = collector({"enrol", name});
    ASSERT_EQ(said.code, 0) << said.err;
    write("token", said.out);
  }
  std::string endpoint() const { return "tcp://127.0.0.1:" + port_; }
  Said join_by_token() const { return agent({"join", endpoint(), "--token-file", at("token")}); }
  std::string allowed() const { return collector({"keys", "list"}).out; }
  std::string doctor() const { return agent({"doctor"}).out; }
  std::string own_key() const {
    const std::string text = content(folder_ / "config/strop/agent.key");
    return text.substr(text.find("public ") + 7, 40);
  }

  support::TemporaryFolder folder_;
  std::string port_;
  std::optional<support::Process> collector_;
};

TEST_F(EnrolmentTest, ATokenIsAllThatADeveloperNeeds) {
  write_token("anna");
  const Said joined = join_by_token();
  ASSERT_EQ(joined.code, 0) << joined.err;
  EXPECT_THAT(joined.out, HasSubstr("lets this machine in as anna"));
  EXPECT_EQ(allowed(), own_key() + " anna\n");
  EXPECT_THAT(doctor(), HasSubstr("knows this key"));
  const Said again = join_by_token();  // its answer might have got lost
  EXPECT_EQ(again.code, 0) << again.err;
}

TEST_F(EnrolmentTest, ATokenMayComeByStdin) {
  write_token("anna");
  const Said joined = agent({"join", endpoint(), "--token-file", "-"}, at("token"));
  EXPECT_EQ(joined.code, 0) << joined.err;
  EXPECT_EQ(allowed(), own_key() + " anna\n");
}

TEST_F(EnrolmentTest, ASecondMachineNeedsATokenOfItsOwn) {
  write_token("anna");
  ASSERT_EQ(join_by_token().code, 0);
  fs::rename(folder_ / "config", folder_ / "first");
  const Said second = join_by_token();
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("ask for a new one, `strop-collector enrol NAME`"));
  EXPECT_FALSE(fs::exists(folder_ / "config/strop/agent.toml"));
  EXPECT_THAT(content(folder_ / "collector.log"), HasSubstr("token of anna that was used already"));
}

TEST_F(EnrolmentTest, ATokenThatOthersCanReadIsRefused) {
  write_token("anna");
  ::chmod(at("token").c_str(), 0644);
  const Said joined = join_by_token();
  EXPECT_EQ(joined.code, 2);
  EXPECT_THAT(joined.err, HasSubstr("chmod 600"));
  write("token", "collector key\n");
  EXPECT_THAT(join_by_token().err, HasSubstr("not a token"));
  EXPECT_EQ(agent({"join", endpoint()}).code, 2);
  EXPECT_EQ(agent({"join", "--token-file", at("token")}).code, 2);
}

TEST_F(EnrolmentTest, AKeyIsReplacedInOneCommand) {
  write_token("anna");
  ASSERT_EQ(join_by_token().code, 0);
  const std::string before = own_key();
  const Said rotated = agent({"join", "--rotate"});
  ASSERT_EQ(rotated.code, 0) << rotated.err;
  EXPECT_NE(own_key(), before);
  EXPECT_EQ(allowed(), own_key() + " anna\n");
  EXPECT_THAT(doctor(), HasSubstr("knows this key"));
  EXPECT_FALSE(fs::exists(folder_ / "config/strop/agent.key.next"));
}

// Cut off behind the announcement, or behind the first use: another try goes on from there.
TEST_F(EnrolmentTest, ARotationThatWasCutOffGoesOn) {
  write_token("anna");
  ASSERT_EQ(join_by_token().code, 0);
  const fs::path key = folder_ / "config/strop/agent.key";
  fs::copy_file(key, folder_ / "old.key");
  ASSERT_EQ(agent({"join", "--rotate"}).code, 0);
  fs::rename(key, fs::path(key.string() + ".next"));
  fs::rename(folder_ / "old.key", key);
  const Said again = agent({"join", "--rotate"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(allowed(), own_key() + " anna\n");
}

// The collector's key changes without anybody typing it.
TEST_F(EnrolmentTest, TheCollectorsNextKeyIsKnownBeforeItIsInForce) {
  write_token("anna");
  ASSERT_EQ(join_by_token().code, 0);
  ASSERT_EQ(collector({"keys", "rotate"}).code, 0);
  ASSERT_EQ(agent({"join", "--rotate"}).code, 0);
  EXPECT_EQ(content(folder_ / "config/strop/collector.pub").size(), 2 * 41U);
  EXPECT_THAT(doctor(), HasSubstr("knows this key"));
  const Said now = collector({"keys", "rotate", "--now"});
  ASSERT_EQ(now.code, 0) << now.err;
  collector_->end(SIGTERM);
  serve();
  EXPECT_THAT(doctor(), HasSubstr("knows this key"));
  const Said rotated = agent({"join", "--rotate"});
  ASSERT_EQ(rotated.code, 0) << rotated.err;
  EXPECT_EQ(content(folder_ / "config/strop/collector.pub").size(), 41U);
  EXPECT_TRUE(fs::exists(folder_ / "keys/server.key.old"));
}

// It has been running since before both keys were changed, and nobody restarts it.
TEST_F(EnrolmentTest, AnAgentThatRunsTakesUpNewKeys) {
  write_token("anna");
  ASSERT_EQ(join_by_token().code, 0);
  const fs::path state = folder_ / "state/strop";
  agent::Spool spool({.state = state});
  const auto deliver_one = [&] {
    spool.append(R"({"v":1,"type":"shown","suggestion":"s","t_ms":5,"source":"inline",)"
                 R"("presence":"rendered"})");
    spool.sync();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (agent::SpoolStore(state).ledger().value().unshipped > 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline)
          << content(state / "agent.log") << content(folder_ / "collector.log");
      ::poll(nullptr, 0, 20);
    }
  };
  support::Pipe editor;
  const support::Descriptor log = support::open_to_append(folder_ / "agent.log");
  support::Process running({"/usr/bin/env", "HOME=" + at("home"), "XDG_CONFIG_HOME=" + at("config"),
                            "XDG_STATE_HOME=" + at("state"), bin("strop-agent"), "--", "cat"},
                           {editor.read.get(), log.get(), log.get()});
  deliver_one();
  ASSERT_EQ(collector({"keys", "rotate"}).code, 0);
  ASSERT_EQ(agent({"join", "--rotate"}).code, 0);
  ASSERT_EQ(collector({"keys", "rotate", "--now"}).code, 0);
  collector_->end(SIGTERM);
  serve();
  deliver_one();
  EXPECT_EQ(allowed(), own_key() + " anna\n");
}

TEST_F(EnrolmentTest, WithoutACollectorThereIsNothingToReplace) {
  const Said said = agent({"join", "--rotate"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("`join` it"));
}

}  // namespace
}  // namespace strop
