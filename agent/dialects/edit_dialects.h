// Edits that servers propose: workspace edits, code actions, and the inline edits of Copilot.
//
// Pure functions; any thread. Positions are the message's own, in the negotiated encoding. Errors
// are values that name what could not be read. Files that an edit creates, renames or deletes are
// passed over: their text is nowhere on the wire.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "lsp/types_generated.h"

namespace strop::agent {

struct OfferedChange {
  std::string uri;
  std::optional<std::int32_t> version;  // of the document it was made for
  lsp::Range range;
  std::string text;  // snippets expanded
};

struct OfferedEdit {
  std::vector<OfferedChange> changes;
  std::string command;    // that follows an accept, as one key; empty: none
  std::string dismissal;  // the command by which it is dismissed, as one key; empty: none
  // An action of the kind "source…": over a whole file, and mostly run by the editor as it saves.
  bool of_source = false;
};

// A WorkspaceEdit.
tl::expected<OfferedEdit, std::string> read_workspace_edit(const nlohmann::json& edit);

// A textDocument/codeAction answer, or the one action of a codeAction/resolve answer: those that
// carry an edit.
std::vector<OfferedEdit> read_code_actions(const nlohmann::json& result);

// A textDocument/copilotInlineEdit answer.
std::vector<OfferedEdit> read_inline_edits(const nlohmann::json& result);

}  // namespace strop::agent
