// Agent and collector killed (-9) at random instants under load: every captured event arrives once,
// with the bytes it was captured with, and both ledgers balance.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

#include "agent/file_descriptor.h"
#include "agent/spool_store.h"
#include "collector/store/sqlite_store.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

constexpr int kKills = 50;
constexpr auto kPatience = std::chrono::seconds(30);
// Events that say something; under a sanitizer fewer are captured between two kills.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kEnough = 200;
#else
constexpr std::size_t kEnough = 1000;
#endif

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Until the file has a line.
std::string await_line(const fs::path& file) {
  const auto deadline = Steady::now() + kPatience;
  while (Steady::now() < deadline) {
    if (std::string line = first_line(file); !line.empty()) return line;
    ::poll(nullptr, 0, 2);
  }
  throw std::runtime_error("nothing in " + file.string());
}

using Events = std::map<std::string, std::string>;  // epoch:seq → bytes

class KillTest : public testing::Test {
 protected:
  KillTest() {
    run({bin("strop-collector"), "keys", "generate", "--keys", at("keys")});
    run({bin("strop-collector"), "keys", "generate", "--keys", at("keys"), "--name", "ann", "--out",
         at("ann.key")});
    std::ifstream key(folder_ / "keys/server.key");
    for (std::string line; std::getline(key, line);)
      if (line.starts_with("public ")) write("server.pub", line.substr(7) + "\n");
    fs::create_directories(folder_ / "source");
    std::string list;
    for (const char* name : {"interceptor", "relay", "rewrite", "session", "text_edit", "snippet",
                             "popup_list", "config"}) {
      fs::copy_file(fs::path(STROP_SOURCE_DIR) / "agent" / (std::string(name) + ".cpp"),
                    folder_ / "source" / (std::string(name) + ".cpp"));
      list += std::string(name) + ".cpp\n";
    }
    write("list", list);
    start_collector("0");
    port_ = await_line(folder_ / "port");
    write("agent.toml", "mode = \"full\"\n[collector]\nendpoint = \"tcp://127.0.0.1:" + port_ +
                            "\"\nserver_key_file = \"" + at("server.pub") + "\"\nkey_file = \"" +
                            at("ann.key") + "\"\n[privacy]\nworkspaces = [\"" + at("source") +
                            "\"]\n");
    write("agent.sh", "#!/bin/sh\necho $$ > " + at("agent.pid") + "\nexport HOME=" + at("") +
                          " XDG_STATE_HOME=" + at("state") + "\nexec " + bin("strop-agent") +
                          " --config " + at("agent.toml") + " --clock client -- " + STROP_BIN_DIR +
                          "/../tests/strop-prophet " + at("source") +
                          " 7 utf-16 incremental command\n");
    ::chmod(at("agent.sh").c_str(), 0700);
  }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  static std::string bin(const std::string& name) {
    return std::string(STROP_BIN_DIR) + "/" + name;
  }
  support::Streams logged() const { return {-1, log_.get(), log_.get()}; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  void run(const std::vector<std::string>& command) const {
    if (support::Process(command, logged()).wait() != 0)
      throw std::runtime_error(command.front() + " failed");
  }
  void start_collector(const std::string& port) {
    fs::remove(folder_ / "port");
    collector_.emplace(
        std::vector<std::string>{bin("strop-collector"), "serve", "--store", at("store.db"),
                                 "--bind", "tcp://127.0.0.1:" + port, "--keys", at("keys"),
                                 "--port-file", at("port"), "--config", "/dev/null"},
        logged());
  }
  // Types until its agent is killed.
  void start_typist(int seed) {
    fs::remove(folder_ / "agent.pid");
    typist_.emplace(std::vector<std::string>{std::string(STROP_BIN_DIR) + "/../tests/strop-typist",
                                             "type", "--root", at("source"), "--files", at("list"),
                                             "--truth", at("truth"), "--stretches", "40", "--seed",
                                             std::to_string(seed), "--", at("agent.sh")},
                    logged());
    const int id = std::stoi(await_line(folder_ / "agent.pid"));
    agent_ = agent::FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, id, 0)));
  }
  void kill_agent() {
    ::syscall(SYS_pidfd_send_signal, agent_.get(), SIGKILL, nullptr, 0);
    typist_->wait();
    typist_.reset();
  }
  agent::Ledger agents_ledger() const {
    const auto ledger = store_.ledger();
    EXPECT_TRUE(ledger) << ledger.error();
    EXPECT_TRUE(ledger->balanced()) << agent::ledger_to_json(*ledger);
    return *ledger;
  }
  Events captured() const {
    Events events;
    const auto read = store_.each_record([&events](const agent::StoredRecord& record) {
      events[schema::to_hex(record.epoch) + ":" + std::to_string(record.seq)] = record.bytes;
      return true;
    });
    EXPECT_TRUE(read) << read.error();
    return events;
  }
  int ship() const {
    support::Process shipping(
        {"/usr/bin/env", "HOME=" + at(""), "XDG_STATE_HOME=" + at("state"), bin("strop-agent"),
         "ship", "--config", at("agent.toml"), "--timeout", "30"},
        logged());
    return shipping.wait();
  }

  support::TemporaryFolder folder_;
  support::Descriptor log_ = support::open_to_append(folder_ / "log");
  agent::SpoolStore store_{folder_ / "state/strop"};
  std::string port_;
  std::optional<support::Process> collector_;
  std::optional<support::Process> typist_;
  agent::FileDescriptor agent_;  // of the process
};

TEST_F(KillTest, EveryCapturedEventArrivesOnceAndTheLedgersBalance) {
  const char* given = std::getenv("STROP_KILL_SEED");
  const unsigned seed = given != nullptr ? std::stoul(given) : std::random_device{}();
  std::cout << "STROP_KILL_SEED=" << seed << std::endl;
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> instant(1, 250);
  std::uniform_int_distribution<int> who(0, 2);
  std::uint64_t last = 0;
  for (int i = 0; i < kKills; ++i) {
    if (!typist_) start_typist(i);
    ::poll(nullptr, 0, instant(random));
    const int victim = who(random);
    if (victim != 0) collector_->end(SIGKILL);
    if (victim != 1) kill_agent();
    if (victim != 0) start_collector(port_);
    const agent::Ledger ledger = agents_ledger();
    EXPECT_GE(ledger.captured, last);  // nothing captured is forgotten by a kill
    last = ledger.captured;
  }
  if (typist_) kill_agent();
  await_line(folder_ / "port");
  const Events sent = captured();
  ASSERT_EQ(ship(), 0) << first_line(folder_ / "log");
  collector_->end(SIGTERM);

  collector::SqliteStore store(at("store.db"), collector::StoreAccess::kRead);
  Events arrived;
  std::uint64_t twice = 0;
  store.scan(0, [&](const collector::StoredEvent& event) {
    twice += arrived.emplace(event.name(), event.payload).second ? 0 : 1;
    return true;
  });
  std::cout << sent.size() << " events captured" << std::endl;
  EXPECT_EQ(twice, 0u);
  EXPECT_GT(sent.size(), kEnough);
  EXPECT_EQ(arrived.size(), sent.size());
  EXPECT_TRUE(arrived == sent);

  const agent::Ledger ours = agents_ledger();
  std::uint64_t stored = 0;
  for (const collector::LedgerRow& row : store.ledger(std::nullopt)) {
    EXPECT_TRUE(row.balanced());
    EXPECT_EQ(row.lost + row.gaps + row.rejected, 0u);
    stored += row.stored;
  }
  EXPECT_EQ(ours.acked, stored);
  EXPECT_EQ(ours.captured, stored);
}

}  // namespace
}  // namespace strop
