#include "agent/ship.h"

#include <chrono>
#include <ostream>
#include <thread>

#include "agent/spool_store.h"
#include "agent/uplink.h"

namespace strop::agent {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{50};

int complain(std::ostream& err, const std::string& what, int code) {
  err << "strop-agent ship: " << what << '\n';
  return code;
}

}  // namespace

int ship(const Config& config, double timeout_ms, std::ostream& out, std::ostream& err) {
  auto options = read_uplink_options(config);
  if (!options) return complain(err, options.error(), 2);
  if (options->endpoints.empty())
    return complain(err, "no collector: set [collector] endpoint in the configuration", 2);
  // Nobody types meanwhile: what fails is tried again soon.
  options->reconnect_max_ms = options->reconnect_min_ms;
  const SpoolStore store(config.state);
  Uplink uplink(std::move(*options));
  const auto deadline = Steady::now() + std::chrono::duration<double, std::milli>(timeout_ms);
  while (true) {
    const auto ledger = store.ledger();
    if (!ledger) return complain(err, ledger.error(), 1);
    if (ledger->unshipped == 0) {
      uplink.stop();
      out << "all shipped: " << ledger_to_json(*ledger).dump() << '\n';
      return 0;
    }
    if (Steady::now() >= deadline) {
      const UplinkStatus status = uplink.status();
      std::string why = status.trouble;
      if (why.empty() && !status.holds_lock)
        why = "another agent ships, and is not done yet; try again";
      if (why.empty())
        why = status.connected ? "there was not enough time; give a longer --timeout"
                               : config.collector.endpoints.back() +
                                     " gives no answer yet; check collector.endpoint and the "
                                     "network, or give a longer --timeout";
      return complain(err, std::to_string(ledger->unshipped) + " events wait in the spool: " + why,
                      1);
    }
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace strop::agent
