// Both ends of the wire as they run at a team's, with everything that can go wrong between and
// below them: a collector and its disk, a developer's agents over one spool and its disk, one that
// captures, agents of bad manners, and proxies.
//
// Owns all of it. One thread; what waits does it with a deadline and lets the agents in this
// process have their turns. Errors: what cannot be set up is an exception.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/spool_store.h"
#include "faults/faulty_proxy.h"
#include "faults/jumping_clock.h"
#include "faults/oracle.h"
#include "faults/restless_agent.h"
#include "faults/small_disk.h"
#include "faults/truth.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::faults {

struct Programs {
  std::string agent;
  std::string collector;
  std::string writer;
};

class Stage {
 public:
  static constexpr std::size_t kAgents = 2;

  // In a minute happens what takes weeks elsewhere.
  static constexpr const char* kCollectorSettings = "handshakes_per_minute = 0\n";

  // `disks`: whether there may be small disks; else it is a common folder that nothing fills.
  // `settings`: the collector's configuration.
  Stage(Programs programs, bool disks, std::uint32_t seed,
        const std::string& settings = kCollectorSettings);
  ~Stage();

  // Hands so many events to the one that captures, one being started if there is none. They are
  // answered for in the time to come.
  void capture(std::size_t count);
  // Lets so much time pass.
  void live(std::chrono::milliseconds time);
  // Until it is so; false: not in that time.
  bool live_until(const std::function<bool()>& so, std::chrono::milliseconds patience);
  // All that was handed over is answered for, or died with whom it was handed to.
  bool quiet() const { return asked_.empty(); }

  // The developer forgets one in so many of what the spool holds, as `strop-agent forget` does it.
  void forget_some(std::size_t one_in);

  void kill_writer();
  void kill_agent(std::size_t which);
  void start_agent(std::size_t which);
  void kill_collector();
  // False: it has ended before it listened, as on a full disk.
  bool start_collector();
  // An agent, or beyond the last of them the collector, stands still, or goes on.
  void suspend(std::size_t which, bool still);
  // Whether the collector can be reached.
  void isolate(bool isolated);
  // What of all that is not running, for whatever reason, runs again.
  void start_all();
  // In good order, for the end.
  void end_all();

  agent::Ledger spool_ledger() const;
  // What is there now, read beside the collector.
  Verdict verdict(const std::set<std::string>& reasons) const;
  bool delivered() const;

  FaultyProxy& proxy(std::size_t which) { return which == 0 ? agents_way_ : restless_way_; }
  SmallDisk* spool_disk() { return spool_disk_.get(); }
  SmallDisk* store_disk() { return store_disk_.get(); }
  JumpingClock& agents_clock() { return agents_clock_; }
  JumpingClock& collectors_clock() { return collectors_clock_; }
  std::vector<std::unique_ptr<RestlessAgent>>& restless() { return restless_; }
  const Truth& truth() const { return truth_; }
  // What is wrong already, if anything is.
  std::vector<std::string> complaints() const;
  std::string folder() const { return folder_.path(); }
  // How many sockets the collector has open.
  std::size_t collectors_sockets() const;
  void keep_folder() { keep_ = true; }

 private:
  struct Agent {
    support::Pipe editor;
    std::unique_ptr<support::Process> process;
  };

  std::string at(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const;
  void make_keys();
  std::vector<std::string> command(const JumpingClock& clock,
                                   const std::vector<std::string>& words) const;
  void start_writer();
  void hear_writer();
  void take_word(const std::string& line);

  const Programs programs_;
  support::TemporaryFolder folder_;
  bool keep_ = false;
  std::mt19937 random_;
  support::Descriptor log_ = support::open_to_append(folder_ / "log");
  std::unique_ptr<SmallDisk> spool_disk_;
  std::unique_ptr<SmallDisk> store_disk_;
  JumpingClock agents_clock_{folder_ / "agents_clock"};
  JumpingClock collectors_clock_{folder_ / "collectors_clock"};
  Truth truth_{folder_ / "journal"};
  FaultyProxy agents_way_;
  FaultyProxy restless_way_;
  std::string server_key_;
  std::unique_ptr<support::Process> collector_;
  std::uint16_t port_ = 0;  // the collector's
  bool isolated_ = false;
  std::array<Agent, kAgents> agents_;
  std::vector<std::unique_ptr<RestlessAgent>> restless_;

  std::unique_ptr<support::Process> writer_;
  support::Pipe to_writer_;
  support::Pipe from_writer_;
  std::string heard_;            // of a line
  std::set<std::string> asked_;  // names without an answer
};

}  // namespace strop::faults
