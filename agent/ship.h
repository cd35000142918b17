// `strop-agent ship`: has the collector take what is left in the spool, and ends when it has all.
//
// Works beside running agents: whichever holds the lock ships. Returns the program's exit code: 0
// all is acknowledged, 1 it is not, with a message on `err` that says why, 2 the configuration
// names no collector or a wrong one. Times are milliseconds.
#pragma once

#include <iosfwd>

#include "agent/config.h"

namespace strop::agent {

int ship(const Config& config, double timeout_ms, std::ostream& out, std::ostream& err);

}  // namespace strop::agent
