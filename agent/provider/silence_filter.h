// Keeps back candidates that are not worth showing, and now and then does not, to see what becomes
// of such.
//
// Pure functions, any thread. No errors: a candidate without a log-probability cannot be judged and
// is shown.
#pragma once

#include <optional>

#include "agent/provider/backend.h"
#include "agent/provider/inline_provider.h"

namespace strop::agent {

struct Filtered {
  Completions shown;
  std::size_t kept_back = 0;
  std::optional<double> propensity;  // set: all were to be kept back and are shown all the same
};

// `ask`: as the model was asked. What a person asks for by hand is always shown.
Filtered filter_silent(const Backend& backend, const InlineAsk& ask, Completions completions);

// Drawn by document and the lines above the cursor's, those within 4 KiB of it, so that typing on
// does not draw again: so large a share of all lines explores.
bool explores(const InlineAsk& ask, double share);

}  // namespace strop::agent
