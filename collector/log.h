// Structured lines on stderr: `ts=… level=warn event=hello_refused code=version user=anna`.
//
// Any thread. Each event has 120 lines a minute; the next one says how many were left out (and
// log_lines_left_out() counts them). Values that are not plain words are quoted as JSON texts, so a
// line stays one line whatever a peer sent. Never log payloads or keys.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace strop::collector {

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

void log_info(std::string_view event, LogFields fields);
void log_warn(std::string_view event, LogFields fields);
void log_error(std::string_view event, LogFields fields);

// Of all events, so far.
std::uint64_t log_lines_left_out();

// The line without time and level, for tests.
std::string log_line(std::string_view event, LogFields fields);

}  // namespace strop::collector
