// What is cut off a candidate before it is offered, and where more than a line may be asked for.
//
// Pure functions, any thread. Texts are UTF-8 with either line end; indentation is counted in
// columns, a tab going to the next multiple of eight. No errors.
#pragma once

#include <string>
#include <string_view>

namespace strop::agent {

// Whether a completion may go beyond the line's end: nothing follows on the line, or closers alone
// behind the beginning of a block; and what comes next is not a block's body already.
// `before`, `behind`: of the cursor's line. `next`: the first line below with something on it.
bool may_go_on(std::string_view before, std::string_view behind, std::string_view next);

// How much of the text is kept, counted from its beginning. One line of it; or of several those
// before the first that is indented less than the cursor's line, that stands below the cursor
// already, or ends in what follows the cursor.
std::size_t kept_size(std::string_view text, std::string_view prefix, std::string_view suffix,
                      bool single_line);

}  // namespace strop::agent
