// How far two pieces of code are apart, in tokens; and which stretch of what was written compares
// with what was suggested.
//
// Pure functions; any thread. White space between tokens does not count. Texts longer than
// kMaxTokens tokens are compared by their first kMaxTokens. No errors.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace strop::agent {

inline constexpr std::size_t kMaxTokens = 1000;

// Words, numbers, runs of the same kind of other bytes taken one by one. Without white space.
std::vector<std::string_view> tokens(std::string_view text);

// Insertions, deletions and replacements of tokens that turn one into the other.
std::size_t token_edits(std::string_view a, std::string_view b);

// How many bytes of `written` compare with `suggested`: as many lines; and where that is far longer
// than the suggestion, as far as the end of the token that reaches its length.
std::size_t comparable_length(std::string_view suggested, std::string_view written);

}  // namespace strop::agent
