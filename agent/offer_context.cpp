#include "agent/offer_context.h"

#include <algorithm>
#include <string_view>

namespace strop::agent {
namespace {

constexpr std::size_t kMaxPrefix = 8u << 10;
constexpr std::size_t kMaxSuffix = 4u << 10;
constexpr std::size_t kMaxLine = 64u << 10;
constexpr std::size_t kMaxEdits = 256;

bool continues_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// The end of a text, beginning at a line where it had to be cut.
std::string last_part(std::string_view text) {
  if (text.size() <= kMaxPrefix) return std::string(text);
  text.remove_prefix(text.size() - kMaxPrefix);
  if (const std::size_t line = text.find('\n'); line != std::string_view::npos)
    text.remove_prefix(line + 1);
  while (!text.empty() && continues_code_point(text.front())) text.remove_prefix(1);
  return std::string(text);
}

// The beginning of a text, ending with a line where it had to be cut.
std::string first_part(std::string_view text) {
  if (text.size() <= kMaxSuffix) return std::string(text);
  const char next = text[kMaxSuffix];
  text = text.substr(0, kMaxSuffix);
  if (const std::size_t line = text.rfind('\n'); line != std::string_view::npos)
    return std::string(text.substr(0, line + 1));
  if (continues_code_point(next)) {
    while (continues_code_point(text.back())) text.remove_suffix(1);
    text.remove_suffix(1);
  }
  return std::string(text);
}

}  // namespace

OfferContext::OfferContext(const lsp::Document& document, const lsp::Position& position,
                           lsp::Encoding encoding, double t_ms)
    : uri_(document.uri()), asked_ms_(t_ms), encoding_(encoding) {
  const std::string_view text = document.text();
  cursor_ = document.offset_at(position).offset;
  const lsp::Position counted = document.position_at(cursor_, lsp::Encoding::kUtf16);
  position_ = {counted.line, counted.character};
  line_ = counted.line;
  line_start_ = document.lines().line_start(line_);
  column_ = cursor_ - line_start_;
  line_text_ = std::string(document.lines().line_text(text, line_).substr(0, kMaxLine));
  prefix_ = last_part(text.substr(0, cursor_));
  suffix_ = first_part(text.substr(cursor_));
}

void OfferContext::take(const Edit& edit) {
  outrun_ = true;
  if (edits_.size() >= kMaxEdits) lost_ = true;
  if (lost_) return;
  cursor_ = rebased(cursor_, edit, /*stays=*/false);
  edits_.push_back(edit);
}

std::optional<std::size_t> OfferContext::column_of(const lsp::Position& position) const {
  if (position.line != line_) return std::nullopt;
  return lsp::offset_in_line(line_text_, position.character, encoding_).offset;
}

OfferContext::Place OfferContext::place_in_line(std::size_t begin, std::size_t end) const {
  Place place;
  begin = std::min(begin, line_text_.size());
  end = std::clamp(end, begin, line_text_.size());
  place.replaces = line_text_.substr(begin, end - begin);
  place.begin = line_start_ + begin;
  place.end = line_start_ + end;
  for (const Edit& edit : edits_) {
    place.begin = rebased(place.begin, edit, /*stays=*/true);
    place.end = rebased(place.end, edit, /*stays=*/false);
  }
  place.end = std::max(place.begin, place.end);
  return place;
}

std::optional<OfferContext::Place> OfferContext::place_of(const lsp::Range& range,
                                                          const lsp::Document& document) const {
  const auto begin = column_of(range.start);
  const auto end = column_of(range.end);
  if (begin && end) {
    if (*end < *begin) return std::nullopt;
    return place_in_line(*begin, *end);
  }
  if (outrun_) return std::nullopt;
  const std::size_t from = document.offset_at(range.start).offset;
  const std::size_t to = document.offset_at(range.end).offset;
  if (to < from || to - from > kMaxLine) return std::nullopt;
  // A range that has nothing to do with the cursor is no completion of what is there.
  if (from > cursor_ || cursor_ - from > kMaxLine || to + kMaxLine < cursor_) return std::nullopt;
  return Place{from, to, document.text().substr(from, to - from)};
}

OfferContext::Place OfferContext::word_before(std::string_view text) const {
  const std::size_t end = std::min(column_, line_text_.size());
  std::size_t begin = end;
  while (begin > 0 && is_word(line_text_[begin - 1])) --begin;
  // A sigil belongs to the word only if the text has it as well.
  while (begin < end && line_text_[begin] == '$' && !text.starts_with('$')) ++begin;
  return place_in_line(begin, column_);
}

OfferContext::Place OfferContext::nothing_there() const { return place_in_line(column_, column_); }

std::string OfferContext::indentation() const {
  return line_text_.substr(0, std::min(line_text_.find_first_not_of(" \t"), line_text_.size()));
}

void OfferContext::fill(schema::Offered& offered) const {
  offered.position = position_;
  offered.prefix = prefix_;
  offered.suffix = suffix_;
}

}  // namespace strop::agent
