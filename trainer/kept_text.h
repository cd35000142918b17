// What a developer who knows what they are about to write keeps of a suggestion.
//
// Pure; any thread. Texts are UTF-8, lengths characters (code points). A suggestion that the text
// to come begins with is accepted, all of it is kept. Of any other its agreeing beginning is kept,
// up to the end of the last whole lexeme (a run of word characters, or one other character), as by
// accepting it word by word; blanks at the end of that count for nothing. No errors.
#pragma once

#include <cstdint>
#include <string_view>

namespace strop::trainer {

struct Kept {
  bool accepted = false;
  std::int64_t characters = 0;
  bool operator==(const Kept&) const = default;
};

Kept kept_of(std::string_view suggestion, std::string_view truth);

// 1 − Levenshtein distance / the longer length, over characters; 1 for two empty texts (the edit
// similarity of CrossCodeEval, Ding et al. 2023).
double edit_similarity(std::string_view a, std::string_view b);

std::int64_t character_count(std::string_view text);

}  // namespace strop::trainer
