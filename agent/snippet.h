// The text that a snippet leaves in the document when it is inserted and nothing is typed into it.
//
// Pure; any thread. Follows LSP's snippet syntax: tab stops, placeholders (nested), choices (the
// first one), variables (their default, else nothing), transforms (as for an empty value), escapes.
// Nothing fails: what is no snippet syntax stands for itself.
#pragma once

#include <string>
#include <string_view>

namespace strop::agent {

std::string expand_snippet(std::string_view snippet);

}  // namespace strop::agent
