// Between JSON and the protocol's structures, the subset that Strop uses.
//
// Pure functions, any thread. Values out of the structures own their contents. Errors: `parse`
// names the path of the value that has a wrong type or is missing. Fields that the subset leaves
// out (lsp/types.list) are ignored and not kept: a message to be sent on is changed as JSON, never
// parsed and written again.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

#include "lsp/types_generated.h"

namespace strop::lsp {

// For every structure and result of types_generated.h, e.g.
// parse<CompletionList>(message["result"]). null counts as absent; a number above its type's range
// as the greatest of the range.
template <class T>
tl::expected<T, std::string> parse(const nlohmann::json& value);

// The other way: every structure converts to nlohmann::json by itself, as in
// `nlohmann::json result = list;`.

}  // namespace strop::lsp
