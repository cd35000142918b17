// A power cut at a random instant: what a spool has called safe and what a collector has
// acknowledged is on the disk, in whole. And with the fsync taken out of either, it is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <sstream>

#include "agent/spool_store.h"
#include "collector/serve_process.h"
#include "collector/store/open_store.h"
#include "faults/cut_disk.h"
#include "faults/made_event.h"
#include "faults/truth.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::faults {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kDiskBytes = 128 << 20;
constexpr int kCuts = 10;
constexpr milliseconds kPatience{30'000};
constexpr std::size_t kMostUnanswered = 6;

std::string why_not() {
  static const std::string why = CutDisk::prepare();
  return why;
}

// All its threads, so that nothing of it is on its way to the disk.
void stop(const support::Process& process) {
  process.signal(SIGSTOP);
  const auto deadline = Steady::now() + kPatience;
  const auto running = [&] {
    for (const auto& task :
         fs::directory_iterator("/proc/" + std::to_string(process.id()) + "/task")) {
      std::ifstream file(task.path() / "stat");
      const std::string stat{std::istreambuf_iterator<char>(file), {}};
      const std::size_t state = stat.rfind(')') + 2;
      if (state < stat.size() && stat[state] != 'T') return true;
    }
    return false;
  };
  while (running()) {
    if (Steady::now() > deadline) throw std::runtime_error("a program under test does not stop");
    ::poll(nullptr, 0, 1);
  }
}

// What a program may be run without.
std::vector<std::string> with(bool syncs, std::vector<std::string> command) {
  if (syncs) return command;
  command.insert(command.begin(), {"/usr/bin/env", "LD_PRELOAD=" STROP_NO_SYNC,
                                   "ASAN_OPTIONS=verify_asan_link_order=0"});
  return command;
}

struct How {
  bool spool_syncs = true;
  bool store_syncs = true;
  bool ships = true;
};

// The machine whose power is cut, and what was promised outside of it.
class Machine {
 public:
  explicit Machine(const How& how) : how_(how), disk_(folder_ / "machine", kDiskBytes) {
    fs::create_directories(disk_.root() / "state");
    fs::create_directories(disk_.root() / "store");
    start_collector();
    start_writer();
    peer_.emplace(port_, "", nullptr);
    peer_->say(schema::Hello{1, schema::kWireVersionMax, own_, own_, 1, 1, "peer"});
    const auto welcome = peer_->hear();
    if (!welcome || !std::holds_alternative<schema::Welcome>(*welcome))
      throw std::runtime_error("the collector does not welcome");
  }

  // Runs for a while, and stops between two instructions.
  void run_for(milliseconds time) {
    const auto end = Steady::now() + time;
    while (Steady::now() < end) {
      send_some();
      take_acks(1);
      take_words(0);
    }
    stop(*writer_);
    stop(*collector_);
    take_acks(30);
    take_words(0);
  }
  void go_on() {
    collector_->signal(SIGCONT);
    writer_->signal(SIGCONT);
  }

  // What the copy of the disk lacks of what was promised.
  std::vector<std::string> missing() {
    const support::TemporaryFolder folder;
    const CutDisk copy = disk_.cut(folder / "after");
    std::vector<std::string> out;
    const auto stored = read_store(copy.root(), out);
    const auto spooled = read_spool(copy.root(), stored, out);
    for (const auto& [place, name] : acked_)
      if (!stored.contains(place) || stored.at(place) != hash_of(made_event(name)))
        out.push_back("acknowledged and not stored: " + name);
    for (const auto& [place, name] : synced_)
      if (!spooled.contains(place) || spooled.at(place) != hash_of(made_event(name)))
        out.push_back("safe and not in the spool: " + name);
    return out;
  }

  std::size_t acked() const { return acked_.size(); }
  std::size_t synced() const { return synced_.size(); }

 private:
  using Hashes = std::map<Place, std::string>;

  void start_collector() {
    const std::string collector = STROP_BIN_DIR "/strop-collector";
    const std::string port_file = folder_ / "port";
    collector_.emplace(
        with(how_.store_syncs, {collector, "serve", "--config", "/dev/null", "--store",
                                disk_.root() / "store/events.db", "--bind", "tcp://127.0.0.1:0",
                                "--insecure-loopback", "--pseudonym-key", folder_ / "pseudonym.key",
                                "--port-file", port_file}),
        support::Streams{-1, log_.get(), log_.get()});
    const auto deadline = Steady::now() + kPatience;
    while (!(std::ifstream(port_file) >> port_)) {
      if (Steady::now() > deadline) throw std::runtime_error("the collector does not listen");
      ::poll(nullptr, 0, 2);
    }
  }
  void start_writer() {
    std::vector<std::string> command{STROP_BIN_DIR "/../tests/strop-synced-writer",
                                     disk_.root() / "state"};
    if (how_.ships) command.push_back("tcp://127.0.0.1:" + std::to_string(port_));
    writer_.emplace(with(how_.spool_syncs, std::move(command)),
                    support::Streams{-1, words_.write.get(), log_.get()});
    words_.write.close();
  }

  void send_some() {
    while (unanswered_ < kMostUnanswered) {
      schema::Batch batch{own_, sent_ + 1, {}};
      for (std::size_t left = 1 + random_() % 20; left > 0; ++number_) {
        const std::string name = "wire-" + std::to_string(number_);
        if (fate_of(name) != Fate::kStored) continue;
        names_[++sent_] = name;
        batch.records.push_back({1, made_event(name)});
        --left;
      }
      peer_->say(batch);
      ++unanswered_;
    }
  }
  void take_acks(int patience_ms) {
    while (const auto frame = peer_->hear(patience_ms)) {
      const auto* ack = std::get_if<schema::Ack>(&*frame);
      if (ack == nullptr) throw std::runtime_error("the collector refuses");
      --unanswered_;
      for (; acked_through_ < ack->durable_through; ++acked_through_)
        acked_[{own_, acked_through_ + 1}] = names_.at(acked_through_ + 1);
    }
  }
  void take_words(int patience_ms) {
    pollfd item{words_.read.get(), POLLIN, 0};
    std::array<char, 1 << 16> buffer{};
    while (::poll(&item, 1, patience_ms) > 0) {
      const ssize_t got = ::read(words_.read.get(), buffer.data(), buffer.size());
      if (got <= 0) throw std::runtime_error("the spool's writer has ended");
      heard_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    for (std::size_t end = 0; (end = heard_.find('\n')) != std::string::npos;
         heard_.erase(0, end + 1)) {
      std::istringstream line(heard_.substr(0, end));
      std::string epoch;
      std::string name;
      std::uint64_t seq = 0;
      line >> epoch >> seq >> name;
      synced_[{schema::wire_id_from_hex(epoch).value(), seq}] = name;
    }
  }

  static Hashes read_store(const fs::path& root, std::vector<std::string>& faults) {
    Hashes out;
    try {
      const auto store =
          collector::open_store(root / "store/events.db", collector::StoreAccess::kReceiver);
      store->scan(0, [&](const collector::StoredEvent& event) {
        out[{event.key.epoch, event.seq}] = hash_of(event.payload);
        return true;
      });
      store->dead_letters([&](const collector::DeadLetter& letter) {
        out[{letter.key.epoch, letter.seq}] = "dead";
        return true;
      });
      for (const collector::LedgerRow& row : store->ledger(std::nullopt))
        if (!row.balanced()) faults.emplace_back("the store's ledger does not balance");
    } catch (const std::exception& error) {
      faults.emplace_back(error.what());
    }
    return out;
  }
  // Here too, nothing may count as acknowledged that the store has not.
  static Hashes read_spool(const fs::path& root, const Hashes& stored,
                           std::vector<std::string>& faults) {
    Hashes out;
    const agent::SpoolStore spool(root / "state");
    const auto read = spool.each_record([&](const agent::StoredRecord& record) {
      if (record.state == agent::RecordState::kGap) return true;
      const Place place{record.epoch, record.seq};
      out[place] = hash_of(record.bytes);
      if (record.state != agent::RecordState::kSpooled && !stored.contains(place))
        faults.push_back("acknowledged in the spool and not stored: " + std::to_string(record.seq));
      return true;
    });
    if (!read) faults.push_back(read.error());
    const auto ledger = spool.ledger();
    if (!ledger || !ledger->balanced()) faults.emplace_back("the spool's ledger does not balance");
    return out;
  }

  const How how_;
  support::TemporaryFolder folder_;
  CutDisk disk_;
  support::Descriptor log_ = support::open_to_append(folder_ / "log");
  std::mt19937 random_{7};
  const schema::WireId own_{1, 2, 3};
  std::uint16_t port_ = 0;
  support::Pipe words_;
  std::optional<support::Process> collector_;  // ended before the disk goes
  std::optional<support::Process> writer_;
  std::optional<collector::Peer> peer_;

  std::uint64_t number_ = 0;
  std::uint64_t sent_ = 0;
  std::size_t unanswered_ = 0;
  std::map<std::uint64_t, std::string> names_;  // by sequence number
  std::uint64_t acked_through_ = 0;
  std::map<Place, std::string> acked_;   // by the collector, to us
  std::map<Place, std::string> synced_;  // by the spool, to us
  std::string heard_;
};

class PowerCut : public testing::Test {
 protected:
  // Without root there is no such disk.
  static bool can_cut() {
    if (!why_not().empty()) std::cout << "NOT CHECKED: no disk to cut: " << why_not() << '\n';
    return why_not().empty();
  }
  // Cuts until something is missing; what, and the instants tried.
  std::vector<std::string> first_loss(const How& how) {
    const std::uint32_t seed = std::random_device{}();
    std::mt19937 random(seed);
    Machine machine(how);
    std::vector<std::string> missing;
    for (int cut = 0; cut < kCuts && missing.empty(); ++cut) {
      machine.run_for(milliseconds(20 + random() % 200));
      missing = machine.missing();
      machine.go_on();
    }
    std::cout << machine.synced() << " events safe in the spool, " << machine.acked()
              << " acknowledged over the wire, " << missing.size() << " faults at seed " << seed
              << '\n';
    EXPECT_GT(machine.synced() + machine.acked(), 100U);
    return missing;
  }
};

TEST_F(PowerCut, WhatWasPromisedIsOnTheDisk) {
  if (!can_cut()) return;
  EXPECT_THAT(first_loss({}), testing::IsEmpty());
}

TEST_F(PowerCut, WithoutFsyncTheSpoolLosesWhatItCalledSafe) {
  if (!can_cut()) return;
  const auto lost = first_loss({.spool_syncs = false, .store_syncs = true, .ships = false});
  EXPECT_THAT(lost, testing::Contains(testing::HasSubstr("safe and not in the spool")));
}

TEST_F(PowerCut, WithoutFsyncTheStoreLosesWhatItAcknowledged) {
  if (!can_cut()) return;
  const auto lost = first_loss({.spool_syncs = true, .store_syncs = false, .ships = false});
  // The file itself may have been left torn: then all that was acknowledged is gone with it.
  EXPECT_THAT(lost,
              testing::Contains(testing::AnyOf(testing::HasSubstr("acknowledged and not stored"),
                                               testing::HasSubstr("file is not a database"),
                                               testing::HasSubstr("malformed"))));
}

}  // namespace
}  // namespace strop::faults
