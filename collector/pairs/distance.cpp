#include "collector/pairs/distance.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace strop::collector {
namespace {

bool word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80U;
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::vector<std::string_view> lexemes(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    if (blank(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    if (word_byte(text[at]))
      while (end < text.size() && word_byte(text[end])) ++end;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

double lexeme_distance(std::string_view a, std::string_view b) {
  const auto left = lexemes(a);
  const auto right = lexemes(b);
  const std::size_t longest = std::max(left.size(), right.size());
  if (longest == 0) return 0;
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return static_cast<double>(row.back()) / static_cast<double>(longest);
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  while (n > 0 && n < std::max(a.size(), b.size()) &&
         ((n < a.size() && (static_cast<unsigned char>(a[n]) & 0xC0U) == 0x80U) ||
          (n < b.size() && (static_cast<unsigned char>(b[n]) & 0xC0U) == 0x80U)))
    --n;
  return n;
}

}  // namespace strop::collector
