// A popup list as the simulated editor shows it: the items in its order, which of them still fit
// what is typed, and how one is put into the document.
//
// Values and functions over an Editor; one thread. Offsets are bytes of the document.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/editor.h"

namespace strop::simulation {

struct ListItem {
  std::string text;        // snippets expanded
  std::string filter;      // what the typed word is compared with
  std::size_t begin = 0;   // of what it replaces; it ends at the cursor
  std::string additional;  // a line at the document's top that comes with it; empty: none
};

struct PopupMenu {
  std::vector<ListItem> items;  // as they are listed
  std::size_t begin = 0;        // of the word that is typed
  bool incomplete = false;      // asked for again at each key

  // The items left by what is typed; an editor hides an empty list.
  std::vector<std::size_t> fitting(std::string_view word) const;
};

// Asks for one at the cursor. Nothing: the server has none.
std::optional<PopupMenu> ask_popup(Editor& editor);

// Puts an item into the document as this kind of editor does. The cursor ends behind the item.
void take_item(Editor& editor, const ListItem& item);

}  // namespace strop::simulation
