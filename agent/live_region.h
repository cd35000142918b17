// The document's text from a suggestion's anchor to the cursor and a little behind it, kept in step
// with every edit of a notification one by one, for which the document itself no longer stands.
//
// Value; one thread. Offsets are bytes: `begin` of the document, `cursor` of the region's text. The
// cursor is where the region was last typed in. No errors: an edit that runs across the region's
// start empties it and tells so.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/text_edit.h"

namespace strop::agent {

// The edits of one didChange, and what is needed to judge them.
struct Notification {
  double t_ms = 0;
  std::vector<Edit> edits;       // as the document took them, in order
  std::string_view text_after;   // the document when all are done
  bool lumps_keys = false;       // this client sends several key presses as one insertion
  bool chosen_in_popup = false;  // a popup's item accounts for the text
  bool one_key_each = false;     // this client tells each key press by itself

  // True when `inserted` may be key presses and nothing else.
  bool typed(std::string_view inserted) const;
  // More single characters than fingers bring about between two notifications.
  bool too_many_keys() const;
};

class LiveRegion {
 public:
  LiveRegion() = default;
  // REQUIRES: cursor <= text.size()
  LiveRegion(std::size_t begin, std::string text, std::size_t cursor)
      : begin_(begin), text_(std::move(text)), cursor_(cursor) {}

  enum class Where {
    kBefore,    // before the region: it moved along
    kBehind,    // behind it
    kAtCursor,  // where the developer would go on typing
    kAside,     // within it, elsewhere
    kAcross     // over its start: its text is lost
  };
  Where apply(const Edit& edit);

  std::size_t begin() const { return begin_; }
  std::size_t end() const { return begin_ + text_.size(); }
  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }
  std::size_t document_cursor() const { return begin_ + cursor_; }
  std::string_view before_cursor() const { return std::string_view(text_).substr(0, cursor_); }

  // REQUIRES: cursor <= text().size()
  void set_cursor(std::size_t cursor) { cursor_ = cursor; }
  // Forgets what is behind `size` bytes; regions must not grow for ever.
  void limit(std::size_t size);

 private:
  bool apply_within(const Edit& edit, Where& where);

  std::size_t begin_ = 0;
  std::string text_;
  std::size_t cursor_ = 0;
};

}  // namespace strop::agent
