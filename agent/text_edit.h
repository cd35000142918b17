// What an edit of a document really changes, and where positions go when it is done.
//
// Pure functions over values; any thread. Offsets and lengths are bytes of UTF-8; an edit's `start`
// counts in the text just before that edit. No errors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lsp/documents.h"

namespace strop::agent {

using Edit = lsp::AppliedEdit;

inline std::size_t removed_end(const Edit& edit) { return edit.start + edit.old_text.size(); }
inline std::size_t inserted_end(const Edit& edit) { return edit.start + edit.new_text.size(); }

// Without what old and new text begin and end with in common; no code point is cut.
Edit trimmed(const Edit& edit);

// The same change as small edits, in order: one that alters white space alone becomes one edit for
// each run of white space, any other is trimmed. Nothing when the edit changes nothing.
std::vector<Edit> essentials(const Edit& edit);

// True when old and new text differ in white space alone.
bool changes_white_space_only(const Edit& edit);

// The same change done elsewhere: typing "a" into "aa" may be told as an insertion at any of three
// places. Gives the edit with `start` at `place` (of a deletion: its end there) if that leads to
// the same text, else the edit as it is. `text_after` is the document when the edit is done.
Edit moved_to(const Edit& edit, std::size_t place, std::string_view text_after);

// What one key press brings about: a character; a line break with the indentation or comment mark
// that the editor adds; indentation; a bracket or quote with its closing partner; a deletion.
bool keystroke_sized(std::string_view inserted);

// The length of the first character of such a pair as "()", else 0.
std::size_t opening_of_pair(std::string_view inserted);

// Where a position is after an edit. `stays` decides about an insertion exactly at the position:
// the position stays before it, or goes behind it.
std::size_t rebased(std::size_t position, const Edit& edit, bool stays);

// A stretch of text that follows the edits around and within it.
struct TrackedRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const TrackedRange&) const = default;
};

// `grows`: text inserted exactly at the end belongs to the range.
TrackedRange rebased(TrackedRange range, const Edit& edit, bool grows);

// What is left of a text after edits: the stretches of it that none has touched.
class Remains {
 public:
  Remains() = default;
  explicit Remains(TrackedRange range);
  void add(TrackedRange range);
  void apply(const Edit& edit);
  const std::vector<TrackedRange>& parts() const { return parts_; }
  bool meets(TrackedRange range) const;  // has at least a byte within

 private:
  std::vector<TrackedRange> parts_;  // ascending, none empty
};

// Line ends as a document of Windows lines has them, if `crlf`.
std::string with_line_ends(std::string text, bool crlf);

// UTF-16 code units.
std::size_t utf16_length(std::string_view text);
// Bytes of the first `units` UTF-16 code units of a text.
std::size_t bytes_of_utf16(std::string_view text, std::size_t units);

}  // namespace strop::agent
