// The events of a fault run. What one says is given by its name alone, so that whoever captures it
// and whoever checks it agree without a word between them.
//
// Pure functions, any thread. Sizes are bytes.
#pragma once

#include <string>

namespace strop::faults {

// What the collector, or the spool before it, has to make of an event.
enum class Fate { kStored, kRejected, kTooLarge };

Fate fate_of(const std::string& name);

// The bytes to be captured: mostly a good event of half a kilobyte or so that names itself as its
// suggestion, now and then a large one, one that is no event, or one beyond every limit.
std::string made_event(const std::string& name);

// Of those bytes, in hex.
std::string hash_of(const std::string& bytes);

}  // namespace strop::faults
