#include "simulation/typed_text.h"

#include <cctype>

#include "simulation/naive_document.h"

namespace strop::simulation {

std::size_t agreement(std::string_view a, std::string_view b) {
  std::size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t word_end(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && !word_character(text[at]) && text[at] != '\n' && text[at] != '\r')
    ++at;
  while (at < text.size() && word_character(text[at])) ++at;
  return at;
}

bool keystroke_sized(std::string_view text) {
  if (text.empty()) return true;
  for (const std::string_view pair : {"()", "[]", "{}", "<>", "``", "\"\"", "''"})
    if (text == pair) return true;
  if (text.starts_with("\r\n")) text.remove_prefix(1);
  if (text.front() == '\n') return text.find_first_not_of(" \t", 1) == std::string_view::npos;
  return text.size() <= character_length(text, 0);
}

}  // namespace strop::simulation
