// What becomes of a session's events: through the privacy gate to the spool, from there to the
// collector.
//
// Made once a session, after the server was started (its uplink has a thread). sink() is for the
// capture thread, prepare() for the provider's. Errors of the state folder are logged, and then
// nothing is captured and no prompt leaves: the gate fails closed. A spool that cannot be made is
// tried again with every sync; what was missed until then is counted as suppressed, `no_spool`.
#pragma once

#include <memory>

#include "agent/config.h"
#include "agent/session.h"

namespace strop::agent {

std::unique_ptr<Delivery> make_delivery(const Config& config);

}  // namespace strop::agent
