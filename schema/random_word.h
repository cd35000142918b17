// Whether a text has a word that could pass for random, before any rule looks for one.
//
// Pure, any thread, no errors. It spares most code the rules whose secret has to look random, which
// are those that most code has keywords of.
#pragma once

#include <string_view>

namespace strop::schema {

// A word: at least eight bytes without white space, quotes, commas, semicolons and brackets, with
// digits in two places at least. What has to look random and is found by a rule lies in one.
bool has_random_word(std::string_view text);

}  // namespace strop::schema
