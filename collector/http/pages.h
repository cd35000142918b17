// What the collector's web says: /healthz the truth, /readyz, /metrics in Prometheus' text form.
//
// Pure but for asking `health`. Any thread.
#pragma once

#include <string>

#include "collector/health.h"
#include "collector/http/server.h"
#include "collector/metrics.h"

namespace strop::collector {

HttpResponse respond(const std::string& path, Health& health, const Metrics& metrics);

}  // namespace strop::collector
