// Which tokens of a pair's two completions the preference term compares.
//
// Pure functions; any thread. Units: tokens. No errors.
#pragma once

#include <optional>
#include <string_view>

#include "trainer/data.h"

namespace strop::trainer {

enum class ComparedTokens {
  kAll,
  kEdited,  // those that the edit from the one to the other takes out and puts in
  kFirst,   // the two next tokens at the first place where they differ
};

// "all", "edited", "first".
std::string_view compared_name(ComparedTokens which);
std::optional<ComparedTokens> compared_by_name(std::string_view name);

// Sets what of the pair is compared. Nothing may be: one completion may be the beginning of the
// other where the first place counts. The likelihood terms are then all that learns from it.
void choose_compared(TokenPair& pair, ComparedTokens which);

}  // namespace strop::trainer
