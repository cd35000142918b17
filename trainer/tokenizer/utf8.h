// What tokenizers need to know of UTF-8: where it is valid, its normal form C, and white space.
//
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strop::trainer {

// Length of the longest valid UTF-8 beginning of `text`.
std::size_t valid_utf8_prefix(std::string_view text);

bool is_ascii(std::string_view text);

// Normal form C of valid UTF-8.
std::string nfc(std::string_view text);

// Bytes of white space (Unicode's White_Space) that `text` begins or ends with; text that is not
// UTF-8 there has none.
std::size_t leading_space(std::string_view text);
std::size_t trailing_space(std::string_view text);

}  // namespace strop::trainer
