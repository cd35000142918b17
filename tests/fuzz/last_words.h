// Writes the input under way to a file when the process dies of it or does not come to an end.
//
// State of the process (signal handlers have no other), set by the one thread that runs inputs. In
// a handler only what is safe there is done. Time is seconds of the processor, so that a busy
// machine is not taken for a hang.
#pragma once

#include <cstdint>
#include <string_view>

namespace strop::fuzz {

// Installs the handlers; the file's name is by the folder that is current now.
void keep_last_words(std::uint64_t seed, unsigned limit_seconds);

// The input that runs from here on; has to stay until the next call.
void begin_run(std::string_view input);
void end_run();

}  // namespace strop::fuzz
