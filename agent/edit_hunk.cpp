#include "agent/edit_hunk.h"

#include <algorithm>
#include <utility>

namespace strop::agent {
namespace {

// More than one line break between two changes: a line that is in neither.
bool far_apart(std::string_view between) {
  return std::count(between.begin(), between.end(), '\n') > 1;
}

std::vector<Edit> in_order(std::string_view document, std::vector<Edit> changes) {
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Edit& a, const Edit& b) { return a.start < b.start; });
  std::size_t from = 0;
  for (const Edit& change : changes) {
    if (change.start < from || removed_end(change) > document.size()) return {};
    from = removed_end(change);
  }
  return changes;
}

// What is written at either end of the place belongs to it.
TrackedRange moved(TrackedRange place, const Edit& edit) {
  TrackedRange out = place;
  if (edit.start < place.begin)
    out.begin = removed_end(edit) <= place.begin
                    ? place.begin - edit.old_text.size() + edit.new_text.size()
                    : edit.start;
  if (edit.start <= place.end)
    out.end = removed_end(edit) <= place.end
                  ? place.end - edit.old_text.size() + edit.new_text.size()
                  : inserted_end(edit);
  return {out.begin, std::max(out.begin, out.end)};
}

}  // namespace

std::vector<HunkText> hunks_of(std::string_view document, std::vector<Edit> changes) {
  std::vector<HunkText> hunks;
  for (const Edit& change : in_order(document, std::move(changes))) {
    const TrackedRange place{change.start, removed_end(change)};
    const std::string_view old_text = document.substr(place.begin, place.end - place.begin);
    if (!hunks.empty()) {
      HunkText& last = hunks.back();
      const std::string_view between =
          document.substr(last.place.end, place.begin - last.place.end);
      if (!far_apart(between)) {
        (last.old_text += between) += old_text;
        (last.new_text += between) += change.new_text;
        last.place.end = place.end;
        continue;
      }
    }
    hunks.push_back({place, std::string(old_text), change.new_text});
  }
  std::erase_if(hunks, [](const HunkText& hunk) { return hunk.old_text == hunk.new_text; });
  return hunks;
}

bool EditHunk::take(const Notification& notification) {
  bool touched = false;
  const std::size_t count = notification.edits.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (Edit edit : essentials(notification.edits[i])) {
      // Of a text that repeats itself an editor may tell another place.
      if (i + 1 == count && (edit.start > place_.end || removed_end(edit) < place_.begin))
        edit = moved_to(edit, edit.new_text.empty() ? place_.end : place_.begin,
                        notification.text_after);
      touched = touched || (edit.start <= place_.end && removed_end(edit) >= place_.begin);
      place_ = moved(place_, edit);
    }
  }
  if (applied_ || !touched || place_.end > notification.text_after.size()) return false;
  applied_ =
      notification.text_after.substr(place_.begin, place_.end - place_.begin) == hunk_.new_text;
  return applied_;
}

}  // namespace strop::agent
