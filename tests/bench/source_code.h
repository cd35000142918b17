// Source code of Strop's own, as something to be worked on.
//
// Values; any thread. Errors: no sources is an exception.
#pragma once

#include <cstddef>
#include <string>

namespace strop::bench {

// So many bytes of it, one byte a character.
std::string source_code(std::size_t bytes);

}  // namespace strop::bench
