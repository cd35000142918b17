// A collector restored from an older backup: what came after it is still with the agent, and comes
// again, once.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <set>

#include "agent/spool.h"
#include "agent/spool_store.h"
#include "collector/store/sqlite_store.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

class RestoreTest : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  static std::string bin(const std::string& name) {
    return std::string(STROP_BIN_DIR) + "/" + name;
  }
  support::Streams logged() const { return {-1, log_.get(), log_.get()}; }
  int run(const std::vector<std::string>& command) const {
    return support::Process(command, logged()).wait();
  }

  void serve(const std::string& store) {
    fs::remove(folder_ / "port");
    collector_.emplace(
        std::vector<std::string>{bin("strop-collector"), "serve", "--store", store,
                                 "--insecure-loopback", "--bind", "tcp://127.0.0.1:" + port_,
                                 "--port-file", at("port"), "--config", "/dev/null"},
        logged());
    const auto deadline = Steady::now() + std::chrono::seconds(30);
    for (std::string line; line.empty(); ::poll(nullptr, 0, 5)) {
      ASSERT_LT(Steady::now(), deadline) << "the collector does not listen";
      std::ifstream in(folder_ / "port");
      std::getline(in, line);
      if (!line.empty()) port_ = line;
    }
    std::ofstream(folder_ / "agent.toml")
        << "[collector]\nendpoint = \"tcp://127.0.0.1:" << port_ << "\"\nplain = true\n";
  }
  void capture(agent::Spool& spool, int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(spool.append(
          R"({"v":1,"type":"shown","suggestion":"s","t_ms":5,"source":"inline","presence":"rendered","n":)" +
          std::to_string(captured_++) + "}"));
    ASSERT_TRUE(spool.sync());
  }
  int ship() const {
    return run({"/usr/bin/env", "HOME=" + at(""), "XDG_STATE_HOME=" + at("state"),
                bin("strop-agent"), "ship", "--config", at("agent.toml"), "--timeout", "30"});
  }

  support::TemporaryFolder folder_;
  support::Descriptor log_ = support::open_to_append(folder_ / "log");
  std::string port_ = "0";
  std::optional<support::Process> collector_;
  int captured_ = 0;
};

TEST_F(RestoreTest, WhatCameAfterTheBackupComesAgainAndNothingTwice) {
  serve(at("first.db"));
  agent::Spool spool({.state = folder_ / "state/strop"});
  capture(spool, 100);
  ASSERT_EQ(ship(), 0);
  ASSERT_EQ(
      run({bin("strop-collector"), "backup", "--store", at("first.db"), "--to", at("old.db")}), 0);
  capture(spool, 100);
  ASSERT_EQ(ship(), 0);
  collector_->end(SIGKILL);
  ASSERT_EQ(
      run({bin("strop-collector"), "restore", "--from", at("old.db"), "--store", at("second.db")}),
      0);
  serve(at("second.db"));
  capture(spool, 1);
  ASSERT_EQ(ship(), 0);
  collector_->end(SIGTERM);

  collector::SqliteStore store(at("second.db"), collector::StoreAccess::kRead);
  std::set<std::string> payloads;
  int events = 0;
  store.scan(0, [&](const collector::StoredEvent& event) {
    payloads.insert(event.payload);
    ++events;
    return true;
  });
  EXPECT_EQ(events, captured_);
  EXPECT_EQ(payloads.size(), static_cast<std::size_t>(captured_));
  for (const collector::LedgerRow& row : store.ledger(std::nullopt)) {
    EXPECT_TRUE(row.balanced());
    EXPECT_EQ(row.lost, 0u);
  }
  const auto ledger = agent::SpoolStore(folder_ / "state/strop").ledger();
  ASSERT_TRUE(ledger);
  EXPECT_TRUE(ledger->balanced());
  EXPECT_EQ(ledger->acked, static_cast<std::uint64_t>(captured_));
}

// What the agent no longer holds nobody has: it is counted, and the rest comes all the same.
TEST_F(RestoreTest, WhatIsPastItsTimeOfGraceIsCountedAsLost) {
  serve(at("first.db"));
  agent::Spool spool({.state = folder_ / "state/strop", .segment_bytes = 2000});
  capture(spool, 50);
  ASSERT_EQ(ship(), 0);
  ASSERT_EQ(
      run({bin("strop-collector"), "backup", "--store", at("first.db"), "--to", at("old.db")}), 0);
  capture(spool, 50);
  ASSERT_EQ(ship(), 0);
  collector_->end(SIGKILL);
  const double now =
      std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  ASSERT_TRUE(agent::SpoolStore(folder_ / "state/strop").tidy({{}, 0, now}));
  ASSERT_EQ(
      run({bin("strop-collector"), "restore", "--from", at("old.db"), "--store", at("second.db")}),
      0);
  serve(at("second.db"));
  capture(spool, 1);
  ASSERT_EQ(ship(), 0);
  collector_->end(SIGTERM);

  collector::SqliteStore store(at("second.db"), collector::StoreAccess::kRead);
  const auto rows = store.ledger(std::nullopt);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].balanced());
  EXPECT_GT(rows[0].lost, 0u);
  EXPECT_LE(rows[0].lost, 50u);
  EXPECT_EQ(rows[0].stored + rows[0].lost, static_cast<std::uint64_t>(captured_));
}

}  // namespace
}  // namespace strop
