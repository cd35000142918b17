// Edits that a server proposes, as the simulated editor applies them.
//
// Functions over an Editor; one thread. Offsets are bytes of the document. A server that proposes
// what does not fit throws std::runtime_error.
#pragma once

#include <string>
#include <vector>

#include "simulation/editor.h"

namespace strop::simulation {

struct ServerHunk {
  std::size_t begin = 0;  // in the document when it was proposed
  std::string old_text;
  std::string text;
};

// Those of the open document, in order. `edits`: an array of TextEdit, or a WorkspaceEdit.
std::vector<ServerHunk> hunks_in(const Editor& editor, const nlohmann::json& edits);

// How an editor tells that it has applied several.
enum class Telling { kTogether, kOneByOne, kWholeText };

// Applies them; gives where each begins now. The cursor stays with the text it was at.
std::vector<std::size_t> apply_hunks(Editor& editor, const std::vector<ServerHunk>& hunks,
                                     Telling telling);

}  // namespace strop::simulation
