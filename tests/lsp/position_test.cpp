// Positions in every encoding, against a walk over the text that knows no index.
#include "lsp/position.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace strop::lsp {
namespace {

constexpr Encoding kEncodings[] = {Encoding::kUtf8, Encoding::kUtf16, Encoding::kUtf32};

// Units of a code point, by its UTF-8 length.
std::uint32_t units(std::size_t bytes, Encoding encoding) {
  if (encoding == Encoding::kUtf8) return static_cast<std::uint32_t>(bytes);
  return encoding == Encoding::kUtf16 && bytes == 4 ? 2 : 1;
}

std::size_t code_point_bytes(char first) {
  const auto c = static_cast<unsigned char>(first);
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

Position walk_to(const std::string& text, std::size_t offset, Encoding encoding) {
  Position at;
  for (std::size_t i = 0; i < offset;) {
    const bool pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((text[i] == '\n' || text[i] == '\r') && !pair) {
      ++at.line;
      at.character = 0;
      ++i;
    } else if (pair) {
      if (offset == i + 1) return at;  // between the two: still the end of the line
      ++at.line;
      at.character = 0;
      i += 2;
    } else {
      const std::size_t bytes = code_point_bytes(text[i]);
      at.character += units(bytes, encoding);
      i += bytes;
    }
  }
  return at;
}

const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all{"a", "xy", "\n", "\r\n", "\r", "é", "€", "😀", "\t"};
  return all;
}

struct Draw {
  std::mt19937 random{7};
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  }
  std::string text(std::size_t most) {
    std::string out;
    for (std::size_t i = below(most + 1); i > 0; --i) out += pieces()[below(pieces().size())];
    return out;
  }
  // An offset between two code points.
  std::size_t offset(const std::string& text) {
    std::size_t at = below(text.size() + 1);
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
    return at;
  }
};

TEST(Position, NamesOfEncodings) {
  for (const Encoding encoding : kEncodings)
    EXPECT_EQ(encoding_from_name(name_of(encoding)), encoding);
  EXPECT_EQ(encoding_from_name("utf-7"), std::nullopt);
}

TEST(Position, LengthsInEachEncoding) {
  const std::string text = "aé€😀";
  EXPECT_EQ(length_in(text, Encoding::kUtf8), 10u);
  EXPECT_EQ(length_in(text, Encoding::kUtf16), 5u);
  EXPECT_EQ(length_in(text, Encoding::kUtf32), 4u);
  EXPECT_EQ(length_in("a\xff\x80z", Encoding::kUtf16), 4u) << "an invalid byte is one character";
}

TEST(Position, OutsideIsClampedAndSaid) {
  const std::string text = "ab\ncé😀\r\nz";
  const LineIndex index(text);
  struct Case {
    Position position;
    std::size_t offset;
    bool exact;
  };
  for (const Case& one :
       {Case{{0, 2}, 2, true}, Case{{0, 9}, 2, false}, Case{{1, 1}, 4, true}, Case{{1, 2}, 6, true},
        Case{{1, 3}, 6, false}, Case{{1, 4}, 10, true}, Case{{1, 5}, 10, false},
        Case{{2, 1}, 13, true}, Case{{3, 0}, 13, false}, Case{{99, 4}, 13, false}}) {
    const Offset found = index.offset_at(text, one.position, Encoding::kUtf16);
    EXPECT_EQ(found.offset, one.offset) << one.position.line << ':' << one.position.character;
    EXPECT_EQ(found.exact, one.exact) << one.position.line << ':' << one.position.character;
  }
}

TEST(Position, LinesEndAtEachMark) {
  const std::string text = "a\nb\r\nc\rd";
  const LineIndex index(text);
  ASSERT_EQ(index.line_count(), 4u);
  for (std::size_t line = 0; line < 4; ++line)
    EXPECT_EQ(index.line_text(text, line), std::string(1, static_cast<char>('a' + line)));
  EXPECT_EQ(LineIndex("").line_count(), 1u);
  EXPECT_EQ(LineIndex("\n").line_count(), 2u);
}

TEST(Position, ThereAndBackAsTheWalkHasIt) {
  Draw draw;
  for (int round = 0; round < 300; ++round) {
    const std::string text = draw.text(30);
    const LineIndex index(text);
    for (const Encoding encoding : kEncodings) {
      const std::size_t offset = draw.offset(text);
      const Position position = index.position_at(text, offset, encoding);
      EXPECT_EQ(position, walk_to(text, offset, encoding)) << "round " << round;
      const Offset back = index.offset_at(text, position, encoding);
      const bool within_mark =
          offset > 0 && offset < text.size() && text[offset - 1] == '\r' && text[offset] == '\n';
      EXPECT_EQ(back.offset, within_mark ? offset - 1 : offset) << "round " << round;
    }
  }
}

TEST(Position, AnIndexThatFollowsEditsIsTheOneMadeAnew) {
  Draw draw;
  for (int round = 0; round < 300; ++round) {
    std::string text = draw.text(20);
    LineIndex index(text);
    for (int edit = 0; edit < 10; ++edit) {
      const std::size_t start = draw.below(text.size() + 1);
      const std::size_t removed = draw.below(text.size() - start + 1);
      const std::string inserted = draw.text(6);
      text.replace(start, removed, inserted);
      index.replaced(text, start, removed, inserted.size());
      ASSERT_EQ(index, LineIndex(text)) << "round " << round << ", edit " << edit;
    }
  }
}

}  // namespace
}  // namespace strop::lsp
