// `strop-agent doctor`: what is wired to what, and what to do where it is not.
//
// Says also what set the mode and what capped it. Reads configuration and state as a relaying agent
// would, and knocks at the addresses it names; it changes nothing. Returns the program's exit code:
// 0 all is well, 1 something needs a person, 2 the configuration cannot be read.
#pragma once

#include <iosfwd>

#include "agent/config.h"

namespace strop::agent {

int doctor(const Places& places, const Flags& flags, std::ostream& out, std::ostream& err);

}  // namespace strop::agent
