// Whether a text says nothing.
//
// A pure function; any thread. No errors.
#pragma once

#include <string_view>

namespace strop::schema {

// Only spaces, tabs and lines' ends, or nothing at all.
inline bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace strop::schema
