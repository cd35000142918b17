#include "simulation/popup_menu.h"

#include <algorithm>
#include <cctype>

#include "simulation/typed_text.h"

namespace strop::simulation {
namespace {

using nlohmann::json;

// ${1:text} is text. The servers here write nothing else.
std::string expanded(const std::string& snippet) {
  std::string out;
  for (std::size_t at = 0; at < snippet.size(); ++at) {
    if (snippet[at] != '$') {
      out += snippet[at];
    } else if (snippet[at + 1] == '{') {
      const std::size_t colon = snippet.find(':', at);
      const std::size_t end = snippet.find('}', at);
      out += snippet.substr(colon + 1, end - colon - 1);
      at = end;
    } else {
      ++at;
    }
  }
  return out;
}

// The letters of `word` stand in `text` in their order, as editors filter.
bool fits(std::string_view word, std::string_view text) {
  std::size_t at = 0;
  for (const char c : text)
    if (at < word.size() && std::tolower(static_cast<unsigned char>(c)) ==
                                std::tolower(static_cast<unsigned char>(word[at])))
      ++at;
  return at == word.size();
}

}  // namespace

std::vector<std::size_t> PopupMenu::fitting(std::string_view word) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < items.size(); ++i)
    if (fits(word, items[i].filter)) out.push_back(i);
  return out;
}

std::optional<PopupMenu> ask_popup(Editor& editor) {
  const json answer = editor.ask("textDocument/completion", {{"textDocument", editor.identifier()},
                                                             {"position", editor.position()}});
  const json result = answer.value("result", json());
  if (!result.is_object() || result.at("items").empty()) return std::nullopt;
  PopupMenu menu;
  menu.incomplete = result.at("isIncomplete");
  menu.begin = editor.cursor();
  while (menu.begin > 0 && word_character(editor.text()[menu.begin - 1])) --menu.begin;
  std::vector<json> sorted = result.at("items");
  std::stable_sort(sorted.begin(), sorted.end(), [](const json& a, const json& b) {
    return a.at("sortText").get<std::string>() < b.at("sortText").get<std::string>();
  });
  for (const json& item : sorted) {
    ListItem one;
    const std::string label = item.at("label");
    one.begin = menu.begin;
    one.filter = item.value("filterText", label);
    one.text = item.value("insertText", label);
    if (item.contains("textEdit")) {
      const json& edit = item["textEdit"];
      one.text = edit.at("newText");
      one.begin =
          editor.offset_of((edit.contains("range") ? edit["range"] : edit["insert"])["start"]);
    }
    if (item.value("insertTextFormat", 1) == 2) one.text = expanded(one.text);
    if (item.contains("additionalTextEdits"))
      one.additional = editor.fitted(item["additionalTextEdits"][0].at("newText"));
    menu.items.push_back(std::move(one));
  }
  return menu;
}

void take_item(Editor& editor, const ListItem& item) {
  const std::size_t more = item.additional.size();
  const std::size_t end = item.begin + more + item.text.size();
  const std::vector<Editor::Change> above{{0, 0, item.additional}};
  switch (editor.shape()) {
    case Shape::kReplaceAndCommand:
    case Shape::kSixNotifications:
      if (more > 0) {
        const std::size_t cursor = editor.cursor() + more;
        editor.change(above);
        editor.move_to(cursor);
      }
      editor.write_accepted(item.begin + more, item.text);
      break;
    case Shape::kDeleteThenInsert: {
      std::vector<Editor::Change> all{{item.begin, editor.cursor(), ""},
                                      {item.begin, item.begin, item.text}};
      if (more > 0) all.push_back(above.front());
      editor.change(all);
      break;
    }
    default:
      editor.write_accepted(item.begin, item.text);
      if (more > 0) editor.change(above);
      break;
  }
  editor.move_to(end);
}

}  // namespace strop::simulation
