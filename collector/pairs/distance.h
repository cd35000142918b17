// How far apart two short texts are: the measures by which a pair is too near or too far to teach
// anything.
//
// Pure functions, any thread. Texts are UTF-8 and compared by lexeme (a run of word characters, or
// one other non-blank byte), so white space never counts. Cost is O(n·m) lexemes; texts are bounded
// by the caller.
#pragma once

#include <string_view>
#include <vector>

namespace strop::collector {

std::vector<std::string_view> lexemes(std::string_view text);

// Levenshtein distance over lexemes divided by the longer length: 0 the same, 1 nothing in common.
// Two empty texts: 0.
double lexeme_distance(std::string_view a, std::string_view b);

// Length of the common beginning, in bytes, never inside a UTF-8 character.
std::size_t common_prefix(std::string_view a, std::string_view b);

}  // namespace strop::collector
