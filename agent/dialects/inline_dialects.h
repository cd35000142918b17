// The ways in which servers offer ghost text: LSP 3.18's inline completion, and the older requests
// of Copilot and llm-ls.
//
// Pure functions; any thread. Positions are the message's own, in the negotiated encoding. Errors
// are values that name what could not be read.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "lsp/types_generated.h"

namespace strop::agent {

enum class InlineDialect { kLsp, kCopilot, kLlmLs };

// The dialect of a request that is answered with ghost text.
std::optional<InlineDialect> inline_dialect_of(std::string_view method);

struct InlineRequest {
  std::string uri;
  lsp::Position position;
};
tl::expected<InlineRequest, std::string> read_inline_request(InlineDialect dialect,
                                                             const nlohmann::json& params);

struct OfferedInline {
  std::size_t index = 0;  // in the answer
  std::string text;       // snippets expanded
  std::optional<lsp::Range> range;
  std::string command;  // the item's command and arguments as one key; empty: none
  std::string mark;     // the id by which the editor will speak of it; empty: none
  std::string dialect;  // for the events
};

// The items that have a text. `result`: the answer's.
tl::expected<std::vector<OfferedInline>, std::string> read_inline_answer(
    InlineDialect dialect, const nlohmann::json& result);

// A command with its arguments, as a key that compares.
std::string command_key(const nlohmann::json& command);

}  // namespace strop::agent
