// Removes secrets from an event at ingest, by the rules that agents apply before they store
// anything: a second look, for agents whose rules are older.
//
// Pure, any thread. Every text of the event is looked at, names of fields excepted. Errors:
// returned; the event then becomes a dead letter without its text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

namespace strop::collector {

// How many secrets were removed.
tl::expected<std::size_t, std::string> scrub_event(nlohmann::json& event);

}  // namespace strop::collector
