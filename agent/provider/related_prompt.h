// How parts of other files stand in a prompt: in the family's own repository form where it has one,
// else as comments above the text.
//
// Pure functions, any thread. No errors.
#pragma once

#include <string>
#include <string_view>

#include "agent/provider/inline_provider.h"

namespace strop::agent {

// Such a header stands before the family's template; any other is part of the prefix.
bool has_repository_form(std::string_view fim);

// The parts of ask.related; empty: there are none.
// `fim`: a family of schema/fim.h or "server".
std::string related_header(std::string_view fim, const InlineAsk& ask);

// The file's own name in a URI.
std::string file_name(std::string_view uri);

}  // namespace strop::agent
