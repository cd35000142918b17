// The collector's counts in Prometheus' text form, by its naming rules. No label names a person or
// a machine.
//
// Pure but for what the process takes of its machine. Any thread.
#pragma once

#include <string>

#include "collector/metrics.h"

namespace strop::collector {

std::string metrics_text(const Metrics& metrics, bool ready);

}  // namespace strop::collector
