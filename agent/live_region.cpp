#include "agent/live_region.h"

#include <algorithm>

namespace strop::agent {
namespace {

// A client that waits before it sends may put so many key presses into one insertion.
constexpr std::size_t kMaxLump = 8;
// A key press is at most so many edits: a character, its closing partner, an indentation.
constexpr std::ptrdiff_t kMaxOfOneKey = 3;

}  // namespace

bool Notification::typed(std::string_view inserted) const {
  if (keystroke_sized(inserted)) return true;
  return lumps_keys && inserted.size() <= kMaxLump && inserted.find('\n') == std::string_view::npos;
}

// A key pressed with several cursors does the same at each of them.
bool Notification::too_many_keys() const {
  const auto alike = [this](const Edit& edit) {
    return edit.new_text == edits.front().new_text &&
           edit.old_text.size() == edits.front().old_text.size();
  };
  if (std::all_of(edits.begin(), edits.end(), alike)) return false;
  const std::ptrdiff_t limit = one_key_each ? kMaxOfOneKey : static_cast<std::ptrdiff_t>(kMaxLump);
  return static_cast<std::ptrdiff_t>(edits.size()) > limit;
}

bool LiveRegion::apply_within(const Edit& edit, Where& where) {
  const std::size_t at = edit.start;
  const std::size_t stop = removed_end(edit);
  const std::size_t place = document_cursor();
  if (at < begin_ || at > end()) return false;
  if (stop > end()) {
    // Typing that takes forward text along, such as a closing bracket typed over.
    if (edit.new_text.empty() || at > place) return false;
    text_.resize(at - begin_);
    text_ += edit.new_text;
    cursor_ = text_.size();
    where = Where::kAtCursor;
    return true;
  }
  const bool at_cursor = at <= place && place <= stop;
  text_.replace(at - begin_, edit.old_text.size(), edit.new_text);
  if (at_cursor) {
    cursor_ = at - begin_ + edit.new_text.size();
    where = Where::kAtCursor;
  } else {
    cursor_ = rebased(place, edit, /*stays=*/true) - begin_;
    where = Where::kAside;
  }
  return true;
}

LiveRegion::Where LiveRegion::apply(const Edit& edit) {
  const std::size_t stop = removed_end(edit);
  const bool inserts_at_begin = edit.start == begin_ && edit.old_text.empty();
  if (edit.start < begin_ && stop >= begin_) {
    // What it has in common with the text before may reach up to the region.
    const Edit core = trimmed(edit);
    if (core.start != edit.start) return apply(core);
  }
  if (stop < begin_ || (stop == begin_ && edit.start < begin_) ||
      (inserts_at_begin && cursor_ > 0)) {
    begin_ = begin_ - edit.old_text.size() + edit.new_text.size();
    return Where::kBefore;
  }
  Where where = Where::kBehind;
  if (apply_within(edit, where)) return where;
  const Edit core = trimmed(edit);
  if (core.old_text.empty() && core.new_text.empty()) return Where::kBehind;
  if (core.start != edit.start || core.old_text.size() != edit.old_text.size()) return apply(core);
  if (edit.start > end() || (edit.start == end() && edit.new_text.empty())) return Where::kBehind;
  if (edit.start >= begin_) {  // from within the region to behind its end
    text_.resize(edit.start - begin_);
    text_ += edit.new_text;
    cursor_ = std::min(cursor_, edit.start - begin_);
    return Where::kAside;
  }
  begin_ = inserted_end(edit);
  text_.clear();
  cursor_ = 0;
  return Where::kAcross;
}

void LiveRegion::limit(std::size_t size) {
  if (text_.size() <= size) return;
  text_.resize(size);
  cursor_ = std::min(cursor_, size);
}

}  // namespace strop::agent
