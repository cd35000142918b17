// The popup lists of the scripted completion server: words that the target file has, the right one
// among them or not, in the forms that servers give items.
//
// Pure and deterministic: a list follows from the target, the place where the word begins, and the
// seed. Offsets are bytes of UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strop::simulation {

struct ListOffer {
  enum class Form {
    kPlain,          // label alone: replaces the word before the cursor
    kTextEdit,       // a range and a text
    kInsertReplace,  // two ranges and a text
    kSnippet,        // a call with a placeholder
    kDetailed,       // the label says more than what is inserted
    kImport          // a line at the top of the file comes with it
  };
  std::string word;
  Form form = Form::kPlain;
  int rank = 0;
};

struct WordList {
  std::size_t begin = 0;    // of the word in the target
  bool incomplete = false;  // the server wants to be asked again at each key
  std::vector<ListOffer> offers;
};

// Empty where no word of the target is being typed. REQUIRES: before.size() <= target.size()
WordList list_at(std::string_view target, std::string_view before, std::uint64_t seed);

}  // namespace strop::simulation
