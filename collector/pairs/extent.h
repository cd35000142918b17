// Makes the two sides of a pair comparable: after the same prefix, before the same suffix, over the
// same extent, so that length is not what tells them apart.
//
// Pure functions, any thread. Lengths are bytes of UTF-8; nothing is cut within a word. No errors:
// what cannot be made comparable is nullopt.
#pragma once

#include <optional>
#include <string>

namespace strop::collector {

// What stands where: `prefix` ends where both sides begin, `suffix` begins where they end.
struct Sides {
  std::string prefix;
  std::string suffix;
  std::string chosen;
  std::string rejected;
  bool operator==(const Sides&) const = default;
};

// Where the text that a candidate replaces lies around the cursor.
struct Replaced {
  std::string before;  // ends the prefix
  std::string behind;  // begins the suffix
};

// Nullopt if it is not there.
std::optional<Replaced> find_replaced(const std::string& replaces, const std::string& prefix,
                                      const std::string& suffix);

// Takes what is replaced off both sides where both begin with it, else off the prefix.
// `behind_stays`: the text behind the cursor is still there on the chosen side (nothing was
// inserted), so it is taken off the rejected one; nullopt if that does not end with it.
std::optional<Sides> place(Sides sides, const Replaced& replaced, bool behind_stays);

// Cuts the longer side to the lines of the shorter; and where it is still far longer, to the end of
// the word that reaches the shorter's length. Not so where the suffix goes on in the same line:
// there both sides end where it begins, and a trainer may teach that end.
Sides cut_alike(Sides sides);

// True when one side only goes on where the other ends, white space apart.
bool differ_by_length_alone(const Sides& sides);

// True when a secret reaches into the text, which stands between prefix and suffix and is seen with
// what lies around it: the name of a password may end the prefix.
bool holds_secret(const Sides& sides, const std::string& text);

}  // namespace strop::collector
