// From the regular expressions of a tokenizer.json, which are Oniguruma's in Ruby's syntax, to
// PCRE2's with UTF, UCP and MULTILINE that match the same.
//
// Pure function, any thread. Scripts know no code points newer than PCRE2's. Errors: what the two
// read differently and is not translated throws std::runtime_error that names it.
#pragma once

#include <string>

namespace strop::trainer {

std::string to_pcre2(const std::string& pattern);

}  // namespace strop::trainer
