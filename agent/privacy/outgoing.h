// What an event becomes on its way out: with its texts, or with counts in their place.
//
// Pure functions, any thread. In both forms secrets are gone, the version of the rules that took
// them out is told, and candidates say how long they were. No errors.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "schema/event.h"

namespace strop::agent {

// With all texts.
nlohmann::json whole_record(const schema::Event& event);

// Without any text that a person wrote or was offered, and without the place of it. `uri`: the
// pseudonym that stands for the event's.
nlohmann::json counts_record(const schema::Event& event, const std::string& uri);

}  // namespace strop::agent
