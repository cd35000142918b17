#include "agent/text_edit.h"

#include <algorithm>
#include <array>

#include "lsp/position.h"

namespace strop::agent {
namespace {

// Beyond this an edit is not compared with itself shifted.
constexpr std::size_t kMaxShift = 4096;
constexpr std::size_t kMaxWhiteSpaceWalk = 1u << 20;

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::size_t character_length(std::string_view text, std::size_t at) {
  std::size_t length = 1;
  while (at + length < text.size() && continues_code_point(text[at + length])) ++length;
  return length;
}

// Marks that make one character with the one before: accents, variation selectors, skin tones.
bool joins_previous(std::string_view code_point) {
  if (code_point.size() == 2)
    return code_point >= "\xCC\x80" && code_point <= "\xCD\xAF";  // U+0300–U+036F
  return code_point == "\xEF\xB8\x8F" ||                          // U+FE0F
         (code_point >= "\xF0\x9F\x8F\xBB" && code_point <= "\xF0\x9F\x8F\xBF");
}

bool is_one_character(std::string_view text) {
  std::size_t at = character_length(text, 0);
  while (at < text.size()) {
    const std::size_t length = character_length(text, at);
    if (!joins_previous(text.substr(at, length))) return false;
    at += length;
  }
  return true;
}

// A line break, then indentation, perhaps a comment mark that the editor repeats, perhaps a second
// line break (the closing bracket goes to a line of its own).
bool is_line_break(std::string_view text) {
  if (text.starts_with("\r\n")) text.remove_prefix(1);
  if (text.empty() || text.front() != '\n') return false;
  text.remove_prefix(1);
  const auto skip_blanks = [&text] {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  };
  skip_blanks();
  static constexpr std::array<std::string_view, 6> kMarks{"///", "//!", "//", "#", "*", "--"};
  for (const std::string_view mark : kMarks) {
    if (!text.starts_with(mark)) continue;
    text.remove_prefix(mark.size());
    break;
  }
  skip_blanks();
  if (text.starts_with("\r\n")) text.remove_prefix(1);
  if (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  skip_blanks();
  return text.empty();
}

bool has_period(std::string_view text, std::size_t period) {
  return text.substr(period) == text.substr(0, text.size() - period);
}

}  // namespace

Edit trimmed(const Edit& edit) {
  const std::string_view before = edit.old_text;
  const std::string_view after = edit.new_text;
  const std::size_t limit = std::min(before.size(), after.size());
  std::size_t front = 0;
  while (front < limit && before[front] == after[front]) ++front;
  const auto cut = [](std::string_view text, std::size_t at) {
    return at < text.size() && continues_code_point(text[at]);
  };
  while (front > 0 && (cut(before, front) || cut(after, front))) --front;
  std::size_t back = 0;
  while (back < limit - front && before[before.size() - back - 1] == after[after.size() - back - 1])
    ++back;
  while (back > 0 && continues_code_point(before[before.size() - back])) --back;
  return {edit.start + front, std::string(before.substr(front, before.size() - front - back)),
          std::string(after.substr(front, after.size() - front - back))};
}

bool changes_white_space_only(const Edit& edit) {
  std::size_t i = 0;
  std::size_t j = 0;
  const std::string_view a = edit.old_text;
  const std::string_view b = edit.new_text;
  while (true) {
    while (i < a.size() && is_space(a[i])) ++i;
    while (j < b.size() && is_space(b[j])) ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (a[i++] != b[j++]) return false;
  }
}

std::vector<Edit> essentials(const Edit& edit) {
  Edit core = trimmed(edit);
  if (core.old_text.empty() && core.new_text.empty()) return {};
  if (core.old_text.empty() || core.new_text.empty() ||
      core.old_text.size() + core.new_text.size() > kMaxWhiteSpaceWalk ||
      !changes_white_space_only(core))
    return {std::move(core)};
  std::vector<Edit> out;
  const std::string_view a = core.old_text;
  const std::string_view b = core.new_text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    const std::size_t from_i = i;
    const std::size_t from_j = j;
    while (i < a.size() && is_space(a[i])) ++i;
    while (j < b.size() && is_space(b[j])) ++j;
    if (a.substr(from_i, i - from_i) != b.substr(from_j, j - from_j))
      out.push_back(trimmed({core.start + from_j, std::string(a.substr(from_i, i - from_i)),
                             std::string(b.substr(from_j, j - from_j))}));
    while (i < a.size() && j < b.size() && !is_space(a[i]) && !is_space(b[j])) {
      ++i;
      ++j;
    }
  }
  return out;
}

Edit moved_to(const Edit& edit, std::size_t place, std::string_view text_after) {
  const bool inserts = edit.old_text.empty() && !edit.new_text.empty();
  const bool deletes = edit.new_text.empty() && !edit.old_text.empty();
  if (inserts) {
    const std::size_t length = edit.new_text.size();
    const std::size_t low = std::min(place, edit.start);
    const std::size_t high = std::max(place, edit.start);
    if (low == high || high - low > kMaxShift || high + length > text_after.size()) return edit;
    if (!has_period(text_after.substr(low, high - low + length), length)) return edit;
    return {place, "", std::string(text_after.substr(place, length))};
  }
  if (deletes) {
    const std::size_t length = edit.old_text.size();
    if (place < length) return edit;
    const std::size_t start = place - length;
    const std::size_t low = std::min(start, edit.start);
    const std::size_t high = std::max(start, edit.start);
    if (low == high || high - low > kMaxShift || high > text_after.size()) return edit;
    // The stretch as it was before the deletion.
    std::string before(text_after.substr(low, high - low));
    before.insert(edit.start - low, edit.old_text);
    if (!has_period(before, length)) return edit;
    return {start, before.substr(start - low, length), ""};
  }
  return edit;
}

std::size_t opening_of_pair(std::string_view inserted) {
  static constexpr std::array<std::string_view, 7> kPairs{"()", "[]",   "{}", "<>",
                                                          "``", "\"\"", "''"};
  if (std::find(kPairs.begin(), kPairs.end(), inserted) != kPairs.end()) return 1;
  // The third quote of a document string brings three closing ones.
  return inserted == "\"\"\"\"" || inserted == "''''" || inserted == "````" ? 1 : 0;
}

bool keystroke_sized(std::string_view inserted) {
  if (inserted.empty()) return true;
  return is_one_character(inserted) || opening_of_pair(inserted) > 0 || is_line_break(inserted) ||
         std::all_of(inserted.begin(), inserted.end(), is_blank);
}

std::size_t rebased(std::size_t position, const Edit& edit, bool stays) {
  if (position < edit.start) return position;
  if (position == edit.start)
    return stays || !edit.old_text.empty() ? position : inserted_end(edit);
  if (position >= removed_end(edit)) return position - edit.old_text.size() + edit.new_text.size();
  return stays ? edit.start : inserted_end(edit);
}

TrackedRange rebased(TrackedRange range, const Edit& edit, bool grows) {
  const bool starts_within = edit.start >= range.begin && edit.start <= range.end;
  const bool empty = range.begin == range.end;
  TrackedRange moved;
  if (edit.start < range.begin && removed_end(edit) > range.end) {
    moved.begin = moved.end = inserted_end(edit);  // swallowed
    return moved;
  }
  if (edit.start == range.begin && edit.old_text.empty())
    moved.begin = empty && grows ? range.begin : inserted_end(edit);
  else
    moved.begin = rebased(range.begin, edit, /*stays=*/false);
  if (edit.start == range.end && edit.old_text.empty())
    moved.end = grows ? inserted_end(edit) : edit.start;
  else if (starts_within && edit.start < range.end && removed_end(edit) > range.end)
    moved.end = inserted_end(edit);  // what replaces the end of the range belongs to it
  else
    moved.end = rebased(range.end, edit, /*stays=*/true);
  if (empty && !grows) moved.end = moved.begin = rebased(range.begin, edit, true);
  if (moved.end < moved.begin) moved.end = moved.begin;
  return moved;
}

Remains::Remains(TrackedRange range) { add(range); }

void Remains::add(TrackedRange range) {
  if (range.begin >= range.end) return;
  const auto at = std::lower_bound(
      parts_.begin(), parts_.end(), range,
      [](const TrackedRange& a, const TrackedRange& b) { return a.begin < b.begin; });
  parts_.insert(at, range);
}

void Remains::apply(const Edit& edit) {
  const std::size_t cut_begin = edit.start;
  const std::size_t cut_end = removed_end(edit);
  const auto shifted = [&edit](std::size_t position) {
    return position - edit.old_text.size() + edit.new_text.size();
  };
  std::vector<TrackedRange> left;
  left.reserve(parts_.size() + 1);
  for (const TrackedRange& part : parts_) {
    if (part.end <= cut_begin) {
      left.push_back(part);
    } else if (part.begin >= cut_end) {
      left.push_back({shifted(part.begin), shifted(part.end)});
    } else {
      if (part.begin < cut_begin) left.push_back({part.begin, cut_begin});
      if (part.end > cut_end) left.push_back({shifted(cut_end), shifted(part.end)});
    }
  }
  parts_ = std::move(left);
}

bool Remains::meets(TrackedRange range) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const TrackedRange& part) {
    return part.begin < range.end && part.end > range.begin;
  });
}

std::string with_line_ends(std::string text, bool crlf) {
  if (!crlf || text.find('\n') == std::string::npos) return text;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

std::size_t utf16_length(std::string_view text) {
  return lsp::length_in(text, lsp::Encoding::kUtf16);
}

std::size_t bytes_of_utf16(std::string_view text, std::size_t units) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = character_length(text, at);
    const std::size_t cost = length >= 4 ? 2 : 1;
    if (cost > units) break;
    units -= cost;
    at += length;
  }
  return at;
}

}  // namespace strop::agent
