#include "bench/collector_process.h"

#include <signal.h>

#include <fstream>
#include <stdexcept>

#include "bench/process_use.h"
#include "collector/keys.h"

namespace strop::bench {
namespace {

namespace fs = std::filesystem;

}  // namespace

CollectorProcess::CollectorProcess(std::string program, std::size_t agents)
    : program_(std::move(program)) {
  const fs::path keys = folder_ / "keys";
  const auto made = collector::generate_server_key(keys);
  if (!made) throw std::runtime_error(made.error());
  server_key_ = made->public_key;
  std::ofstream list(collector::allow_list_file(keys));
  for (std::size_t i = 0; i < agents; ++i) {
    keys_.push_back(collector::make_key_pair());
    list << keys_.back().public_key << " agent" << i << '\n';
  }
  list.close();
  fs::permissions(collector::allow_list_file(keys), fs::perms(0600));
}

double CollectorProcess::start(const std::string& store) {
  const std::string port_file = folder_ / "port";
  fs::remove(port_file);
  const support::Descriptor log(
      ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const double begin = steady_us();
  process_ = std::make_unique<support::Process>(
      std::vector<std::string>{program_, "serve", "--config", "/dev/null", "--store", store,
                               "--bind", "tcp://127.0.0.1:0", "--keys", folder_ / "keys",
                               "--port-file", port_file},
      support::Streams{-1, -1, log.get()});
  for (int port = 0; !(std::ifstream(port_file) >> port);)
    if (process_->has_ended(std::chrono::milliseconds(2)))
      throw std::runtime_error("the collector has ended; it says: " + (folder_ / "log").string());
  const double ms = (steady_us() - begin) / 1000;
  int port = 0;
  std::ifstream(port_file) >> port;
  endpoint_ = "tcp://127.0.0.1:" + std::to_string(port);
  return ms;
}

void CollectorProcess::stop() { process_->end(SIGTERM); }
void CollectorProcess::kill() { process_->end(SIGKILL); }

Address CollectorProcess::address() const { return {endpoint_, server_key_}; }

double CollectorProcess::rss_mib() const { return bench::rss_mib(process_->id()); }

std::map<std::string, double> CollectorProcess::cpu_seconds() const {
  return cpu_seconds_by_thread(process_->id());
}

}  // namespace strop::bench
