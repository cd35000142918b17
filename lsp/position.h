// Positions as the protocol counts them (line, character) and as we do (bytes from the start).
//
// Pure values and functions, any thread. Offsets are bytes of UTF-8; characters are code units of
// the negotiated encoding. Lines end at LF, CR LF or CR. Nothing fails: a byte that is not valid
// UTF-8 counts as one character, and what lies outside is clamped, with `exact` saying so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lsp/types_generated.h"

namespace strop::lsp {

enum class Encoding { kUtf8, kUtf16, kUtf32 };

// The encoding of a PositionEncodingKind: "utf-8", "utf-16", "utf-32".
std::optional<Encoding> encoding_from_name(std::string_view name);
std::string_view name_of(Encoding encoding);

// How many characters a text has.
std::uint32_t length_in(std::string_view text, Encoding encoding);

struct Offset {
  std::size_t offset = 0;
  // False when the position was outside and got clamped: beyond the last line (to the end of the
  // text), beyond the end of its line (to before the line's end mark), within a code point (to its
  // beginning).
  bool exact = true;
};

// The byte offset of a character in one line. `line`: without its end mark.
Offset offset_in_line(std::string_view line, std::uint32_t character, Encoding encoding);

// Where the lines of a text begin; follows edits in place. Does not hold the text: each call is
// given the text that the index stands for.
class LineIndex {
 public:
  LineIndex() = default;
  explicit LineIndex(std::string_view text);

  // The text after the edit: bytes [start, start + removed) have become `inserted` bytes.
  // REQUIRES: start + removed lies within the text before.
  void replaced(std::string_view text_after, std::size_t start, std::size_t removed,
                std::size_t inserted);

  std::size_t line_count() const { return starts_.size(); }
  std::size_t line_start(std::size_t line) const { return starts_[line]; }  // REQUIRES: it exists
  std::size_t line_of(std::size_t offset) const;
  // A line without its end mark. REQUIRES: it exists.
  std::string_view line_text(std::string_view text, std::size_t line) const;

  Offset offset_at(std::string_view text, const Position& position, Encoding encoding) const;
  // An offset beyond the text is taken as its end; within a code point, as its beginning.
  Position position_at(std::string_view text, std::size_t offset, Encoding encoding) const;

  bool operator==(const LineIndex&) const = default;

 private:
  std::vector<std::size_t> starts_ = {0};
};

}  // namespace strop::lsp
