#include "lsp/position.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace strop::lsp {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// Bytes of the code point at `at`; 1 for a byte that begins no valid one.
std::size_t code_point_bytes(std::string_view text, std::size_t at) {
  if (is_ascii(text[at])) return 1;
  utf8proc_int32_t code_point = 0;
  const std::size_t rest = std::min<std::size_t>(text.size() - at, 4);
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                      static_cast<utf8proc_ssize_t>(rest), &code_point);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 1;
}

std::uint32_t units_of(std::size_t bytes, Encoding encoding) {
  if (encoding == Encoding::kUtf8) return static_cast<std::uint32_t>(bytes);
  return encoding == Encoding::kUtf16 && bytes == 4 ? 2 : 1;
}

// True when the eight bytes at `at` are there and all ASCII: then each is one unit in every
// encoding.
bool eight_ascii(std::string_view text, std::size_t at) {
  if (text.size() - at < 8) return false;
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof(word));
  return (word & 0x8080808080808080u) == 0;
}

std::uint32_t saturate(std::size_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

// A line begins at `at` (not 0) when a line end stands before it.
bool begins_line(std::string_view text, std::size_t at) {
  const char before = text[at - 1];
  return before == '\n' || (before == '\r' && (at == text.size() || text[at] != '\n'));
}

}  // namespace

std::optional<Encoding> encoding_from_name(std::string_view name) {
  if (name == kPositionEncodingKindUTF8) return Encoding::kUtf8;
  if (name == kPositionEncodingKindUTF16) return Encoding::kUtf16;
  if (name == kPositionEncodingKindUTF32) return Encoding::kUtf32;
  return std::nullopt;
}

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf8:
      return kPositionEncodingKindUTF8;
    case Encoding::kUtf16:
      return kPositionEncodingKindUTF16;
    case Encoding::kUtf32:
      return kPositionEncodingKindUTF32;
  }
  return {};
}

std::uint32_t length_in(std::string_view text, Encoding encoding) {
  if (encoding == Encoding::kUtf8) return saturate(text.size());
  std::size_t units = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (eight_ascii(text, at)) {
      at += 8;
      units += 8;
      continue;
    }
    const std::size_t bytes = code_point_bytes(text, at);
    at += bytes;
    units += units_of(bytes, encoding);
  }
  return saturate(units);
}

Offset offset_in_line(std::string_view line, std::uint32_t character, Encoding encoding) {
  std::uint32_t units = 0;
  std::size_t at = 0;
  while (at < line.size() && units < character) {
    if (character - units >= 8 && eight_ascii(line, at)) {
      at += 8;
      units += 8;
      continue;
    }
    const std::size_t bytes = code_point_bytes(line, at);
    const std::uint32_t wide = units_of(bytes, encoding);
    if (wide > character - units) return {at, false};
    at += bytes;
    units += wide;
  }
  return {at, units == character};
}

LineIndex::LineIndex(std::string_view text) {
  for (std::size_t at = 1; at <= text.size(); ++at)
    if (begins_line(text, at)) starts_.push_back(at);
}

void LineIndex::replaced(std::string_view text_after, std::size_t start, std::size_t removed,
                         std::size_t inserted) {
  // Whether a line begins at s depends on the bytes before and at s, so on the edit for every s
  // from its start to its end; the first line always begins at 0.
  const std::size_t from = std::max<std::size_t>(start, 1);
  std::vector<std::size_t> fresh;
  for (std::size_t at = from; at <= start + inserted; ++at)
    if (begins_line(text_after, at)) fresh.push_back(at);
  const auto first = std::lower_bound(starts_.begin(), starts_.end(), from);
  const auto last = std::upper_bound(first, starts_.end(), start + removed);
  for (auto later = last; later != starts_.end(); ++later) *later += inserted - removed;
  const auto kept = std::min(last - first, static_cast<std::ptrdiff_t>(fresh.size()));
  std::copy_n(fresh.begin(), kept, first);
  if (kept < last - first)
    starts_.erase(first + kept, last);
  else
    starts_.insert(last, fresh.begin() + kept, fresh.end());
}

std::size_t LineIndex::line_of(std::size_t offset) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

std::string_view LineIndex::line_text(std::string_view text, std::size_t line) const {
  const std::size_t begin = starts_[line];
  if (line + 1 == starts_.size()) return text.substr(begin);
  std::size_t end = starts_[line + 1] - 1;
  if (text[end] == '\n' && end > begin && text[end - 1] == '\r') --end;
  return text.substr(begin, end - begin);
}

Offset LineIndex::offset_at(std::string_view text, const Position& position,
                            Encoding encoding) const {
  if (position.line >= starts_.size()) return {text.size(), false};
  Offset found = offset_in_line(line_text(text, position.line), position.character, encoding);
  found.offset += starts_[position.line];
  return found;
}

Position LineIndex::position_at(std::string_view text, std::size_t offset,
                                Encoding encoding) const {
  offset = std::min(offset, text.size());
  const std::size_t line = line_of(offset);
  const std::string_view whole = line_text(text, line);
  std::size_t wanted = std::min(offset - starts_[line], whole.size());
  // Back to the beginning of a code point that the offset lies within: at most three bytes.
  for (std::size_t back = 1; back <= 3 && back <= wanted; ++back) {
    const std::size_t bytes = code_point_bytes(whole, wanted - back);
    if (bytes > back) {
      wanted -= back;
      break;
    }
    if (bytes > 1) break;
  }
  return {saturate(line), length_in(whole.substr(0, wanted), encoding)};
}

}  // namespace strop::lsp
