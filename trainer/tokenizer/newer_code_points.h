// Code points that Unicode 15 and 16 assigned, by general category: the reference's engine knows
// them, Debian 12's PCRE2 does not yet.
//
// Pure function, any thread. Made by tests/trainer/golden/make_newer_code_points.py.
#pragma once

#include <string>
#include <string_view>

namespace strop::trainer {

// Of a category of one letter or two, as the inside of a character class; mostly empty.
std::string newer_code_points(std::string_view category);

}  // namespace strop::trainer
