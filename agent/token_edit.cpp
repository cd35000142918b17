#include "agent/token_edit.h"

#include <algorithm>
#include <cctype>

namespace strop::agent {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::size_t token_end(std::string_view text, std::size_t at) {
  if (!is_word(text[at])) return at + 1;
  while (at < text.size() && is_word(text[at])) ++at;
  return at;
}

}  // namespace

std::vector<std::string_view> tokens(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size() && out.size() < kMaxTokens;) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const std::size_t end = token_end(text, at);
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::size_t token_edits(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  std::vector<std::string_view> left = tokens(a);
  std::vector<std::string_view> right = tokens(b);
  // What both begin or end with costs nothing.
  std::size_t front = 0;
  while (front < left.size() && front < right.size() && left[front] == right[front]) ++front;
  while (left.size() > front && right.size() > front && left.back() == right.back()) {
    left.pop_back();
    right.pop_back();
  }
  left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(front));
  right.erase(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(front));
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1,
                         diagonal + (left[i - 1] == right[j - 1] ? std::size_t{0} : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::size_t comparable_length(std::string_view suggested, std::string_view written) {
  const auto breaks = std::count(suggested.begin(), suggested.end(), '\n');
  std::size_t end = 0;
  for (std::ptrdiff_t i = 0; i <= breaks; ++i) {
    end = written.find('\n', i == 0 ? 0 : end + 1);
    if (end == std::string_view::npos) {
      end = written.size();
      break;
    }
  }
  while (end > 0 && (written[end - 1] == '\r')) --end;
  // Half as long again is still the same kind of thing.
  if (end <= suggested.size() + suggested.size() / 2 + 8) return end;
  std::size_t at = 0;
  while (at < end && at < suggested.size()) {
    if (is_space(written[at]))
      ++at;
    else
      at = token_end(written, at);
  }
  return std::min(at, end);
}

}  // namespace strop::agent
