// What stands where an install's events were, once they are forgotten.
//
// A function of its arguments, any thread. Time is milliseconds of the Unix epoch. No errors.
#pragma once

#include <cstdint>
#include <string>

#include "schema/event.h"

namespace strop::collector {

// The payload of a gap over the sequence numbers 1 to `through`.
inline std::string tombstone(std::uint64_t through, std::int64_t now_ms) {
  schema::Event event;
  event.t_ms = static_cast<double>(now_ms);
  event.source = schema::Source::kEdit;
  event.body = schema::Gap{1, through, "forgotten at the collector"};
  return schema::event_to_json(event).dump();
}

}  // namespace strop::collector
