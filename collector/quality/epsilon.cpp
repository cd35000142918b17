#include "collector/quality/epsilon.h"

#include <algorithm>
#include <array>
#include <utility>

namespace strop::collector {
namespace {

constexpr double kMost = 0.5;  // a coin

double evidence_epsilon(schema::Evidence evidence) {
  switch (evidence) {
    case schema::Evidence::kCommand:
      return 0.01;
    case schema::Evidence::kEditor:
      return 0.03;
    case schema::Evidence::kState:
      return 0.06;
    case schema::Evidence::kTimeout:
      return 0.25;
  }
  return kMost;
}

// The acts behind the kinds. Whoever mends an accepted text says that it was wrong as it stood;
// what is typed instead may be a detour; a sibling not taken may have been as good.
constexpr std::array<std::pair<std::string_view, double>, 3> kKinds{
    {{"edited", 0.05}, {"typed_instead", 0.05}, {"sibling", 0.25}}};

}  // namespace

double outcome_epsilon(schema::Evidence evidence, double confidence) {
  // Not !(x >= …): a confidence that is no number counts as none.
  const double doubt = confidence >= 0 && confidence <= 1 ? 1 - confidence : kMost;
  return std::clamp(std::max(evidence_epsilon(evidence), doubt), 0.0, kMost);
}

double kind_epsilon(std::string_view kind) {
  for (const auto& [name, epsilon] : kKinds)
    if (name == kind) return epsilon;
  return 0;
}

double either(double a, double b) { return std::clamp(a + b - 2 * a * b, 0.0, kMost); }

}  // namespace strop::collector
