// What the simulated developer and those who score it think of text: words, agreement, key presses.
//
// Pure functions; any thread. Sizes are bytes of UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace strop::simulation {

inline constexpr double kSeenMs = 500;  // CONTRACTS: displayed for less in all is unseen
// CONTRACTS: display time adds up over re-shows of the same text at the same anchor; so soon after
// it went they are one to whoever looks at the screen.
inline constexpr double kAgainMs = 2'000;
inline constexpr std::size_t kContext = 200;  // characters that tell a place
inline constexpr std::size_t kFewKeys = 3;    // told at once they may be key presses

// The length of what both begin with.
std::size_t agreement(std::string_view a, std::string_view b);

bool word_character(char c);

// The end of the next word of `text`: white space and symbols before it, then the word.
std::size_t word_end(std::string_view text);

// What an editor cannot tell from a key press: one character, a bracket or quote with the one that
// closes it, or a new line with its indentation.
bool keystroke_sized(std::string_view text);

}  // namespace strop::simulation
