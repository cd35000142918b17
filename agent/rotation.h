// `strop-agent join --rotate`: a new key in the place of the one that the agent has.
//
// A function over the user's files and one connection after another, run by hand. Whenever it is
// cut off, running it again goes on from there; until the new key is used, the old one is good.
// Returns the program's exit code.
#pragma once

#include <iosfwd>

#include "agent/config.h"

namespace strop::agent {

int rotate_key(const Places& places, const Flags& flags, std::ostream& out, std::ostream& err);

}  // namespace strop::agent
