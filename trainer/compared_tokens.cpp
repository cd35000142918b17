#include "trainer/compared_tokens.h"

#include <algorithm>
#include <array>
#include <utility>

namespace strop::trainer {
namespace {

using Tokens = std::vector<TokenId>;

constexpr std::array kNames{std::pair{"all", ComparedTokens::kAll},
                            std::pair{"edited", ComparedTokens::kEdited},
                            std::pair{"first", ComparedTokens::kFirst}};

bool any(const std::vector<bool>& flags) {
  return std::find(flags.begin(), flags.end(), true) != flags.end();
}

// Lengths of the longest common subsequences of what is behind each pair of places.
std::vector<std::vector<std::uint32_t>> common_behind(const Tokens& a, const Tokens& b) {
  std::vector<std::vector<std::uint32_t>> out(a.size() + 1,
                                              std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      out[i][j] = a[i] == b[j] ? out[i + 1][j + 1] + 1 : std::max(out[i + 1][j], out[i][j + 1]);
  return out;
}

void choose_edited(TokenPair& pair) {
  const auto common = common_behind(pair.chosen, pair.rejected);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < pair.chosen.size() && j < pair.rejected.size()) {
    if (pair.chosen[i] == pair.rejected[j]) {
      pair.chosen_compared[i++] = false;
      pair.rejected_compared[j++] = false;
    } else if (common[i + 1][j] >= common[i][j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
}

void choose_first(TokenPair& pair) {
  const auto [chosen, rejected] = std::mismatch(pair.chosen.begin(), pair.chosen.end(),
                                                pair.rejected.begin(), pair.rejected.end());
  std::fill(pair.chosen_compared.begin(), pair.chosen_compared.end(), false);
  std::fill(pair.rejected_compared.begin(), pair.rejected_compared.end(), false);
  if (chosen == pair.chosen.end() || rejected == pair.rejected.end()) return;
  const auto place = static_cast<std::size_t>(chosen - pair.chosen.begin());
  pair.chosen_compared[place] = pair.rejected_compared[place] = true;
}

}  // namespace

std::string_view compared_name(ComparedTokens which) {
  for (const auto& [name, known] : kNames)
    if (known == which) return name;
  return "";
}

std::optional<ComparedTokens> compared_by_name(std::string_view name) {
  for (const auto& [known, which] : kNames)
    if (known == name) return which;
  return std::nullopt;
}

void choose_compared(TokenPair& pair, ComparedTokens which) {
  pair.chosen_compared.assign(pair.chosen.size(), true);
  pair.rejected_compared.assign(pair.rejected.size(), true);
  if (which == ComparedTokens::kEdited) choose_edited(pair);
  if (which == ComparedTokens::kFirst) choose_first(pair);
  pair.compares = any(pair.chosen_compared) || any(pair.rejected_compared);
}

}  // namespace strop::trainer
