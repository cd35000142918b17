#include "simulation/server_edits.h"

#include <algorithm>
#include <stdexcept>

namespace strop::simulation {

using nlohmann::json;

std::vector<ServerHunk> hunks_in(const Editor& editor, const json& edits) {
  const json& list = edits.is_object() ? edits.at("changes").at(editor.uri()) : edits;
  std::vector<ServerHunk> out;
  for (const json& edit : list) {
    const std::size_t begin = editor.offset_of(edit.at("range").at("start"));
    const std::size_t end = editor.offset_of(edit.at("range").at("end"));
    if (end < begin) throw std::runtime_error("an edit ends before it begins: " + edit.dump());
    out.push_back(
        {begin, editor.text().substr(begin, end - begin), editor.fitted(edit.at("newText"))});
  }
  std::sort(out.begin(), out.end(),
            [](const ServerHunk& a, const ServerHunk& b) { return a.begin < b.begin; });
  return out;
}

std::vector<std::size_t> apply_hunks(Editor& editor, const std::vector<ServerHunk>& hunks,
                                     Telling telling) {
  std::vector<std::size_t> places;
  std::vector<Editor::Change> changes;
  std::size_t cursor = editor.cursor();
  std::size_t grown = 0;
  for (const ServerHunk& hunk : hunks) {
    places.push_back(hunk.begin + grown);
    grown += hunk.text.size() - hunk.old_text.size();  // wraps around, and back again
    changes.push_back({hunk.begin, hunk.begin + hunk.old_text.size(), hunk.text});
    if (hunk.begin + hunk.old_text.size() <= editor.cursor())
      cursor += hunk.text.size() - hunk.old_text.size();
  }
  std::reverse(changes.begin(), changes.end());  // none moves another
  if (telling == Telling::kTogether) {
    editor.change(changes);
  } else if (telling == Telling::kOneByOne) {
    for (const Editor::Change& one : changes) editor.change({one});
  } else {
    editor.change_as_whole(changes);
  }
  editor.move_to(cursor);
  return places;
}

}  // namespace strop::simulation
