// The popup list of textDocument/completion: what each item would leave in the document.
//
// Pure functions; any thread. Positions are the message's own, in the negotiated encoding. Errors
// are values that name what could not be read.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "lsp/types_generated.h"

namespace strop::agent {

struct OfferedPopup {
  std::string text;                  // snippets expanded
  std::string filter;                // what editors compare with what is typed
  bool adjusts_indentation = false;  // the editor may indent the text's further lines
  // What it replaces; nothing: the word before the cursor.
  std::optional<lsp::Range> insert;
  std::optional<lsp::Range> replace;
  std::string sort_key;
  std::string mark;  // the id by which the editor will speak of it; empty: none
};

struct PopupAnswer {
  std::vector<OfferedPopup> items;  // in the order in which editors list them
  std::string dialect;
};

// At most `limit` items; the others are passed over.
tl::expected<PopupAnswer, std::string> read_popup_answer(const nlohmann::json& result,
                                                         std::size_t limit);

}  // namespace strop::agent
