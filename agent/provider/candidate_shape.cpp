#include "agent/provider/candidate_shape.h"

#include <algorithm>

#include "schema/blank.h"

namespace strop::agent {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kClosers = ")]}";
constexpr std::size_t kLongestRepeat = 512;

std::string_view without_end_space(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kBlank) + 1);  // npos + 1 is 0
}

std::size_t columns(std::string_view text) {
  constexpr std::size_t kTab = 8;
  std::size_t count = 0;
  for (const char c : text) {
    if (c == '\t')
      count += kTab - count % kTab;
    else
      ++count;
  }
  return count;
}

// Of a line with something on it; of a blank one all of it.
std::size_t indentation(std::string_view line) {
  return columns(line.substr(0, std::min(line.find_first_not_of(" \t"), line.size())));
}

std::string_view last_line(std::string_view text) { return text.substr(text.rfind('\n') + 1); }

std::string_view next_line(std::string_view suffix) {
  std::size_t end = suffix.find('\n');
  while (end != std::string_view::npos) {
    const std::size_t begin = end + 1;
    end = suffix.find('\n', begin);
    const std::string_view line = suffix.substr(begin, end - std::min(end, begin));
    if (!schema::is_blank(line))
      return without_end_space(
          suffix.substr(begin, end == std::string_view::npos ? end : end - begin));
  }
  return {};
}

// Brackets that close what was opened before the text.
std::size_t surplus_closers(std::string_view text) {
  std::size_t open = 0;
  std::size_t surplus = 0;
  for (const char c : text) {
    if (c == '(' || c == '[' || c == '{') ++open;
    if (kClosers.find(c) == std::string_view::npos) continue;
    if (open > 0)
      --open;
    else
      ++surplus;
  }
  return surplus;
}

bool has_word(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

// Where the text's end is what the suffix begins with, that much less. A bracket counts as a repeat
// only if nothing in the text opened it.
std::size_t without_repeat(std::string_view text, std::string_view suffix) {
  const std::size_t most = std::min({text.size(), suffix.size(), kLongestRepeat});
  for (std::size_t size = most; size > 0; --size) {
    const std::string_view end = text.substr(text.size() - size);
    if (end != suffix.substr(0, size)) continue;
    const std::string_view rest = text.substr(0, text.size() - size);
    const bool closes = surplus_closers(text) > surplus_closers(rest);
    if (schema::is_blank(end) || closes ||
        (has_word(end) && end.find('\n') != std::string_view::npos))
      return rest.size();
  }
  return text.size();
}

}  // namespace

bool may_go_on(std::string_view before, std::string_view behind, std::string_view next) {
  const std::string_view head = without_end_space(before);
  if (!schema::is_blank(behind)) {
    if (behind.find_first_not_of(" \t\r)]};,") != std::string_view::npos) return false;
    if (head.empty() || std::string_view("([{:").find(head.back()) == std::string_view::npos)
      return false;
  }
  return schema::is_blank(next) || indentation(next) <= indentation(before);
}

std::size_t kept_size(std::string_view text, std::string_view prefix, std::string_view suffix,
                      bool single_line) {
  std::size_t line = text.find('\n');
  if (single_line) {
    std::size_t end = std::min(line, text.size());
    if (end > 0 && text[end - 1] == '\r') --end;
    return end;
  }
  if (line == std::string_view::npos) return text.size();
  const std::size_t base = indentation(last_line(prefix));
  const std::string_view below = next_line(suffix);
  while (line != std::string_view::npos) {
    const std::size_t begin = line + 1;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view now = without_end_space(text.substr(begin, end - begin));
    if (!now.empty() && (indentation(now) < base || now == below)) {
      const bool crlf = line > 0 && text[line - 1] == '\r';
      return crlf ? line - 1 : line;
    }
    line = text.find('\n', begin);
  }
  return without_repeat(text, suffix);
}

}  // namespace strop::agent
