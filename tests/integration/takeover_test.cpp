// Two collectors on one PostgreSQL, one of them killed (-9) under load: agents go over to the other
// within 30 s, every captured event is stored once, with its bytes, and both ledgers balance.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <map>
#include <optional>

#include "agent/spool.h"
#include "agent/spool_store.h"
#include "agent/uplink.h"
#include "collector/store/open_store.h"
#include "support/postgres_server.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kAgents = 4;
constexpr std::uint64_t kBeforeTheKill = 300;  // stored events
constexpr int kAfterTheKill = 1500;            // captured by each agent
constexpr auto kTakeover = std::chrono::seconds(30);
constexpr auto kPatience = std::chrono::seconds(60);

std::string await_line(const fs::path& file) {
  const auto deadline = Steady::now() + kPatience;
  while (Steady::now() < deadline) {
    std::ifstream in(file);
    std::string line;
    if (std::getline(in, line)) return line;
    ::poll(nullptr, 0, 2);
  }
  throw std::runtime_error("nothing in " + file.string());
}

class Collector {
 public:
  Collector(const std::string& store, const fs::path& folder, const std::string& name)
      : log_(support::open_to_append(folder / (name + ".log"))),
        process_({std::string(STROP_BIN_DIR) + "/strop-collector", "serve", "--store", store,
                  "--bind", "tcp://127.0.0.1:0", "--insecure-loopback", "--pseudonym-key",
                  folder / "pseudonym.key", "--port-file", folder / (name + ".port"), "--config",
                  "/dev/null"},
                 {-1, log_.get(), log_.get()}),
        endpoint_("tcp://127.0.0.1:" + await_line(folder / (name + ".port"))) {}
  const std::string& endpoint() const { return endpoint_; }
  void kill() {
    process_.signal(SIGKILL);
    process_.wait();
  }

 private:
  support::Descriptor log_;
  support::Process process_;
  const std::string endpoint_;
};

// A developer's: it captures into its own spool, and ships.
class Agent {
 public:
  Agent(fs::path state, std::vector<std::string> endpoints)
      : spool_({.state = state}), store_(state) {
    agent::UplinkOptions options;
    options.state = std::move(state);
    options.endpoints = std::move(endpoints);
    uplink_.emplace(std::move(options));
  }
  void capture(int number) {
    const std::string text = R"({"v":1,"type":"shown","suggestion":"s)" + std::to_string(number) +
                             R"(","t_ms":5,"source":"inline","presence":"rendered","of_later":")" +
                             std::string(400, 'x') + "\"}";
    ASSERT_TRUE(spool_.append(text));
    if (number % 16 != 0) return;
    spool_.sync();
    uplink_->wake();
  }
  agent::Ledger ledger() const { return store_.ledger().value(); }
  bool all_shipped() {
    spool_.sync();
    uplink_->wake();
    return ledger().unshipped == 0;
  }
  std::string trouble() const { return uplink_->status().trouble; }
  void add_records(std::map<std::string, std::string>& out) const {
    const auto read = store_.each_record([&](const agent::StoredRecord& record) {
      out[schema::to_hex(record.epoch) + ":" + std::to_string(record.seq)] = record.bytes;
      return true;
    });
    ASSERT_TRUE(read);
  }

 private:
  agent::Spool spool_;
  agent::SpoolStore store_;
  std::optional<agent::Uplink> uplink_;
};

std::uint64_t stored(collector::Store& store) {
  std::uint64_t out = 0;
  for (const auto& row : store.ledger(std::nullopt)) out += row.stored;
  return out;
}

TEST(TakeoverTest, WhatOneCollectorLeavesTheOtherTakes) {
  const support::TemporaryFolder folder;
  const std::string database = support::PostgresServer::shared().make_database();
  Collector one(database, folder.path(), "one");
  Collector two(database, folder.path(), "two");
  const auto store = collector::open_store(database, collector::StoreAccess::kRead);

  std::vector<std::unique_ptr<Agent>> agents;
  for (std::size_t i = 0; i < kAgents; ++i) {
    const fs::path state = folder.path() / ("state" + std::to_string(i));
    fs::create_directories(state);
    agents.push_back(
        std::make_unique<Agent>(state, std::vector<std::string>{one.endpoint(), two.endpoint()}));
  }
  int number = 0;
  const auto deadline = Steady::now() + kPatience;
  while (stored(*store) < kBeforeTheKill) {
    ASSERT_LT(Steady::now(), deadline) << agents[0]->trouble();
    for (int i = 0; i < 64; ++i, ++number)
      for (const auto& agent : agents) agent->capture(number);
  }
  one.kill();
  const auto killed = Steady::now();
  const std::uint64_t at_the_kill = stored(*store);
  for (const int end = number + kAfterTheKill; number < end; ++number)
    for (const auto& agent : agents) agent->capture(number);
  for (const auto& agent : agents)
    while (!agent->all_shipped()) {
      ASSERT_LT(Steady::now(), killed + kTakeover) << agent->trouble();
      ::poll(nullptr, 0, 5);
    }
  std::cout << number * kAgents << " events, " << at_the_kill << " of them stored at the kill, all "
            << std::chrono::duration<double>(Steady::now() - killed).count() << " s after it\n";

  std::map<std::string, std::string> sent;
  std::map<std::string, std::string> arrived;
  std::uint64_t acked = 0;
  for (const auto& agent : agents) {
    agent->add_records(sent);
    EXPECT_TRUE(agent->ledger().balanced());
    acked += agent->ledger().acked;
  }
  store->scan(0, [&](const collector::StoredEvent& event) {
    EXPECT_TRUE(arrived.emplace(event.name(), event.payload).second) << event.name() << " twice";
    return true;
  });
  EXPECT_LT(at_the_kill, arrived.size());  // or it was not under load
  EXPECT_EQ(arrived.size(), sent.size());
  EXPECT_TRUE(arrived == sent);
  EXPECT_EQ(acked, arrived.size());
  for (const auto& row : store->ledger(std::nullopt)) {
    EXPECT_TRUE(row.balanced());
    EXPECT_EQ(row.lost + row.gaps + row.rejected, 0U);
  }
}

}  // namespace
}  // namespace strop
