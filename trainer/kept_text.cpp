#include "trainer/kept_text.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace strop::trainer {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Letters beyond ASCII are word characters too.
bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_';
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Whether a lexeme of `text` goes on across `at`.
bool within_lexeme(std::string_view text, std::size_t at) {
  return at > 0 && at < text.size() && is_word(text[at - 1]) && is_word(text[at]);
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + 1;
    while (end < text.size() && continues_character(text[end])) ++end;
    out.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

}  // namespace

std::int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); });
}

Kept kept_of(std::string_view suggestion, std::string_view truth) {
  if (suggestion.empty()) return {};
  if (truth.starts_with(suggestion)) return {true, character_count(suggestion)};
  std::size_t agreed = 0;
  while (agreed < suggestion.size() && agreed < truth.size() && suggestion[agreed] == truth[agreed])
    ++agreed;
  while (agreed > 0 && (within_lexeme(suggestion, agreed) || within_lexeme(truth, agreed)))
    --agreed;
  while (agreed > 0 && is_blank(suggestion[agreed - 1])) --agreed;
  return {false, character_count(suggestion.substr(0, agreed))};
}

double edit_similarity(std::string_view a, std::string_view b) {
  const auto left = characters(a);
  const auto right = characters(b);
  const std::size_t longer = std::max(left.size(), right.size());
  if (longer == 0) return 1;
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (left[i] == right[j] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return 1 - static_cast<double>(row.back()) / static_cast<double>(longer);
}

}  // namespace strop::trainer
