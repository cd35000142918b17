// Asks a collector to take a key in, or whether it takes one.
//
// Functions over a connection of their own, which block for at most `patience_ms`. Errors are
// returned, and say what to do.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "agent/uplink_socket.h"
#include "schema/wire.h"

namespace strop::agent {

struct EnrolFailure {
  bool refused = false;  // the collector does not know the key that asked
  std::string why;
};

// Over a token's key: lets `key` in. Over a key that is in: has `key` take its place.
tl::expected<schema::Enrolled, EnrolFailure> enrol(const UplinkAddress& over,
                                                   const std::string& key, double patience_ms);

// Speaks with a key, which is then in use; empty: the collector takes it, else why not.
std::string use_key(const UplinkAddress& over, double patience_ms);

}  // namespace strop::agent
