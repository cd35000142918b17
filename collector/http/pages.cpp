#include "collector/http/pages.h"

#include "collector/http/metrics_text.h"

namespace strop::collector {
namespace {

constexpr int kPatienceMs = 2000;

}  // namespace

HttpResponse respond(const std::string& path, Health& health, const Metrics& metrics) {
  // Of now: without events nobody else finds out.
  const auto ready = [&health] { return health.ask(kPatienceMs).empty() && health.ready(); };
  if (path == "/metrics")
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(metrics, ready())};
  if (path == "/readyz") {
    if (ready()) return {200, "text/plain; charset=utf-8", "ready\n"};
    return {503, "text/plain; charset=utf-8", "not taking batches\n"};
  }
  if (path == "/healthz") {
    const std::string ill = health.ask(kPatienceMs);
    if (ill.empty()) return {200, "text/plain; charset=utf-8", "ok\n"};
    return {503, "text/plain; charset=utf-8", ill + "\n"};
  }
  return {404, "text/plain; charset=utf-8", "/healthz, /readyz or /metrics\n"};
}

}  // namespace strop::collector
