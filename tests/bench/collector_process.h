// A strop-collector to be measured, with keys for as many agents as are wanted.
//
// Owns its folder of keys and the process. One thread. Errors are exceptions: without a collector
// there is nothing to measure.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/simulated_agent.h"
#include "schema/curve_key.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace strop::bench {

class CollectorProcess {
 public:
  // Makes keys for `agents`; starts nothing yet.
  CollectorProcess(std::string program, std::size_t agents);

  // Until it listens; how long that took, in milliseconds.
  double start(const std::string& store);
  // In good order, or at once.
  void stop();
  void kill();

  Address address() const;
  const schema::CurveKey& key(std::size_t agent) const { return keys_.at(agent); }
  std::filesystem::path folder() const { return folder_.path(); }

  double rss_mib() const;
  // Processor time spent so far, in seconds, by thread name.
  std::map<std::string, double> cpu_seconds() const;

 private:
  const std::string program_;
  support::TemporaryFolder folder_;
  std::string server_key_;
  std::vector<schema::CurveKey> keys_;
  std::unique_ptr<support::Process> process_;
  std::string endpoint_;
};

}  // namespace strop::bench
