// How much is captured: nothing, counts alone, or texts too. Ordered: more is greater.
//
// Values, any thread. No errors: an unknown word is nothing.
#pragma once

#include <optional>
#include <string_view>

namespace strop::agent {

enum class Mode { kOff = 0, kMetricsOnly = 1, kFull = 2 };

// "off", "metrics-only", "full": the words of the command line, the configuration and the events.
constexpr std::string_view to_word(Mode mode) {
  switch (mode) {
    case Mode::kOff:
      return "off";
    case Mode::kMetricsOnly:
      return "metrics-only";
    case Mode::kFull:
      return "full";
  }
  return "off";
}

constexpr std::optional<Mode> mode_from_word(std::string_view word) {
  for (const Mode mode : {Mode::kOff, Mode::kMetricsOnly, Mode::kFull})
    if (to_word(mode) == word) return mode;
  return std::nullopt;
}

}  // namespace strop::agent
