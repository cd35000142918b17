// What an event becomes on its way out: with its texts, or with counts in their place.
//
// Functions, any thread but for the scrubber's. In every form secrets are gone, the version of the
// rules that took them out is told, and candidates say how long they were. Throws what the rules
// throw, the last one nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "agent/privacy/event_scrubber.h"
#include "schema/event.h"

namespace strop::agent {

// With all texts.
nlohmann::json whole_record(const schema::Event& event, EventScrubber& scrubber);

// Without any text that a person wrote or was offered, and without the place of it. `uri`: the
// pseudonym that stands for the event's.
nlohmann::json counts_record(const schema::Event& event, const std::string& uri);

// Without the names of servers, models and languages too, which are others' words: for when nobody
// can tell whether there is a secret in them.
nlohmann::json nameless_record(const schema::Event& event, const std::string& uri);

}  // namespace strop::agent
