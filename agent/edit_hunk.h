// One stretch of a document that a server proposes to rewrite, from the proposal to the moment when
// the document has it.
//
// A state machine over the document's edits; owns the place of the stretch. One thread. Offsets are
// bytes. No errors: what was edited otherwise meanwhile can still become what was proposed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/live_region.h"
#include "agent/text_edit.h"

namespace strop::agent {

struct HunkText {
  TrackedRange place;
  std::string old_text;
  std::string new_text;
};

// Changes of one document as hunks: those on the same or neighbouring lines are one, with the text
// between them. `changes` in any order, `old_text` left out. Empty: they overlap, lie outside the
// document, or change nothing.
std::vector<HunkText> hunks_of(std::string_view document, std::vector<Edit> changes);

class EditHunk {
 public:
  explicit EditHunk(HunkText hunk) : hunk_(std::move(hunk)), place_(hunk_.place) {}

  // True: with these edits the new text has come to stand in its place.
  bool take(const Notification& notification);

  const HunkText& hunk() const { return hunk_; }
  const TrackedRange& place() const { return place_; }  // now

 private:
  HunkText hunk_;
  TrackedRange place_;
  bool applied_ = false;
};

}  // namespace strop::agent
