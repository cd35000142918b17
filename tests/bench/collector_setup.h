// What the measurements of strop-collector share: the programs, how much is measured, and agents
// by the dozen.
//
// A Crowd owns its agents and their ZeroMQ context. One thread. Errors are exceptions.
#pragma once

#include <chrono>
#include <list>
#include <string>
#include <vector>

#include "bench/collector_process.h"
#include "bench/rows.h"
#include "bench/simulated_agent.h"
#include "collector/keys.h"

namespace strop::bench {

class CollectorSetup {
 public:
  // `scale`: how much is measured, 1 for figures to be told.
  CollectorSetup(std::string collector, std::string agent, std::string server, double scale)
      : collector_(std::move(collector)),
        agent_(std::move(agent)),
        server_(std::move(server)),
        scale_(scale) {}

  const std::string& collector() const { return collector_; }
  const std::string& agent() const { return agent_; }
  const std::string& server() const { return server_; }  // that an agent stands before
  double seconds(double whole) const { return whole * scale_; }
  // `whole` at scale 1, at least `least`.
  int count(int whole, int least) const;

 private:
  std::string collector_;
  std::string agent_;
  std::string server_;
  double scale_;
};

class Crowd {
 public:
  // Agents first … first + count - 1 of those the collectors have keys for, connecting; to several
  // collectors in turn. REQUIRES: at least one.
  Crowd(const std::vector<const CollectorProcess*>& collectors, std::size_t first,
        std::size_t count);
  Crowd(const CollectorProcess& collector, std::size_t first, std::size_t count)
      : Crowd(std::vector<const CollectorProcess*>{&collector}, first, count) {}

  std::vector<SimulatedAgent>& agents() { return agents_; }

  // Every agent says HELLO and has its WELCOME.
  void greet();
  // Takes what answers come within `patience`; returns how many events they acknowledge.
  std::uint64_t take(std::chrono::milliseconds patience,
                     std::vector<double>* latencies_us = nullptr);
  // Until nothing is unanswered.
  void settle(std::vector<double>* latencies_us = nullptr);
  std::uint64_t acked() const { return acked_; }

 private:
  zmq::context_t context_;
  std::vector<SimulatedAgent> agents_;
  std::vector<zmq::pollitem_t> items_;
  std::uint64_t acked_ = 0;
};

void measure_delivery(const CollectorSetup& setup, Report& report);
void measure_postgres(const CollectorSetup& setup, Report& report);
void measure_storm(const CollectorSetup& setup, Report& report);
void measure_restart(const CollectorSetup& setup, Report& report);
void measure_large_spool(const CollectorSetup& setup, Report& report);

}  // namespace strop::bench
