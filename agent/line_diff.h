// The lines that an edit really changes, where a client tells one stretch for several.
//
// Pure functions; any thread. Offsets are bytes. No errors: an edit that differs in too many lines
// stays as it is.
#pragma once

#include <vector>

#include "agent/text_edit.h"

namespace strop::agent {

// Edits that lead to the same text, in order, each as the document is when those before it are
// done. Lines that both texts have stay out of them.
std::vector<Edit> line_edits(const Edit& edit);

}  // namespace strop::agent
