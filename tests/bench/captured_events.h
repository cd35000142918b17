// Events as agents capture them, of a given size, to be sent again and again.
//
// Values; any thread. Sizes are bytes of JSON.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace strop::bench {

// `count` offers of about so many bytes each, no two alike: real code around a real completion.
std::vector<std::string> captured_events(std::size_t count, std::size_t bytes);

}  // namespace strop::bench
