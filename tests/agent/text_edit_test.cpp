// What an edit really changes, and where positions go: by examples, and by what must hold of any.
#include "agent/text_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace strop::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string applied(std::string text, const Edit& edit) {
  EXPECT_EQ(text.substr(edit.start, edit.old_text.size()), edit.old_text);
  return text.replace(edit.start, edit.old_text.size(), edit.new_text);
}

// A few letters and kinds of white space, so that coincidences are frequent.
std::string random_text(std::mt19937& random, std::size_t most) {
  std::string text;
  for (std::size_t i = random() % (most + 1); i > 0; --i) text += "aab  \n"[random() % 6];
  return text;
}

Edit random_edit(std::mt19937& random, const std::string& text) {
  const std::size_t start = random() % (text.size() + 1);
  const std::size_t length = random() % (text.size() - start + 1);
  return {start, text.substr(start, length), random_text(random, 6)};
}

TEST(TextEdit, TrimmedLeavesOutWhatIsInCommon) {
  EXPECT_EQ(trimmed({10, "abc", "axc"}), (Edit{11, "b", "x"}));
  EXPECT_EQ(trimmed({10, "abc", "abcd"}), (Edit{13, "", "d"}));
  EXPECT_EQ(trimmed({10, "aa", "aaa"}), (Edit{12, "", "a"}));
  EXPECT_EQ(trimmed({10, "abc", "abc"}), (Edit{13, "", ""}));
}

TEST(TextEdit, TrimmedCutsNoCodePoint) {
  // é and è share their first byte, ľ and ž (C4 BE, C5 BE) their second.
  EXPECT_EQ(trimmed({0, "x\xC3\xA9", "x\xC3\xA8"}), (Edit{1, "\xC3\xA9", "\xC3\xA8"}));
  EXPECT_EQ(trimmed({0, "\xC4\xBEx", "\xC5\xBEx"}), (Edit{0, "\xC4\xBE", "\xC5\xBE"}));
  EXPECT_EQ(trimmed({0, "\xC3\xA9", "\xC3\xA9\xCC\x81"}), (Edit{2, "", "\xCC\x81"}));
}

TEST(TextEdit, WhiteSpaceAlone) {
  EXPECT_TRUE(changes_white_space_only({0, "a b", "a\n\tb"}));
  EXPECT_TRUE(changes_white_space_only({0, "f(a,b)", " f( a, b ) "}));
  EXPECT_TRUE(changes_white_space_only({0, " ", ""}));
  EXPECT_FALSE(changes_white_space_only({0, "ab", "a"}));
  EXPECT_FALSE(changes_white_space_only({0, "a b", "b a"}));
  EXPECT_FALSE(changes_white_space_only({0, "", "x"}));
}

TEST(TextEdit, FormattingIsAnEditForEachRunOfWhiteSpace) {
  EXPECT_THAT(essentials({5, "a =b\n", "a = b;\n"}), ElementsAre(Edit{8, "b", " b;"}));
  EXPECT_THAT(essentials({5, "x(a,b)y", "x( a, b )y"}),
              ElementsAre(Edit{7, "", " "}, Edit{10, "", " "}, Edit{12, "", " "}));
  EXPECT_THAT(essentials({5, "same", "same"}), IsEmpty());
}

TEST(TextEdit, EssentialsComeToTheSame) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random, 12);
    const Edit edit = random_edit(random, text);
    std::string by_parts = text;
    for (const Edit& part : essentials(edit)) {
      by_parts = applied(by_parts, part);
      ASSERT_NE(part.old_text, part.new_text);
    }
    ASSERT_EQ(by_parts, applied(text, edit)) << text << "|" << edit.start << "|" << edit.new_text;
  }
}

TEST(TextEdit, MovedToTheCursorWhereThatIsTheSameChange) {
  // "a" typed behind "aa", told as an insertion before it.
  EXPECT_EQ(moved_to({0, "", "a"}, 2, "aaab"), (Edit{2, "", "a"}));
  EXPECT_EQ(moved_to({1, "", "xy"}, 3, "axyxyb"), (Edit{3, "", "xy"}));
  EXPECT_EQ(moved_to({1, "", "xy"}, 2, "axyxb"), (Edit{2, "", "yx"}));
  EXPECT_EQ(moved_to({0, "a", ""}, 3, "aab"), (Edit{2, "a", ""}));  // its end goes there
  // Elsewhere it would be another change; so would any replacement.
  EXPECT_EQ(moved_to({0, "", "a"}, 3, "aaab"), (Edit{0, "", "a"}));
  EXPECT_EQ(moved_to({0, "a", "b"}, 1, "bb"), (Edit{0, "a", "b"}));
}

TEST(TextEdit, MovedComesToTheSame) {
  std::mt19937 random(2);
  int moved = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random, 12);
    const Edit edit = random_edit(random, text);
    const std::string after = applied(text, edit);
    const std::size_t place = random() % (after.size() + 2);
    const Edit other = moved_to(edit, place, after);
    ASSERT_EQ(applied(text, other), after);
    if (!(other == edit)) ++moved;
  }
  EXPECT_GT(moved, 100);
}

TEST(TextEdit, WhatOneKeyBrings) {
  for (const char* key :
       {"",           "a",      "\xE2\x82\xAC", "e\xCC\x81", "\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD",
        "\n",         "\r\n",   "\n    ",       "\n\t// ",   "\n * ",
        "\r\n  /// ", "\n  \n", "\n    \r\n  ", "\t",        "    ",
        "()",         "{}",     "\"\"",         "''''",      "``"})
    EXPECT_TRUE(keystroke_sized(key)) << key;
  for (const char* more : {"ab", "(a)", "\nx", "\n// x", "( )", "\n\n\n", "a\n", "\xE2\x82\xAC!"})
    EXPECT_FALSE(keystroke_sized(more)) << more;
}

TEST(TextEdit, PairsHaveAnOpening) {
  for (const char* pair : {"()", "[]", "{}", "<>", "``", "\"\"", "''", "\"\"\"\""})
    EXPECT_EQ(opening_of_pair(pair), 1u) << pair;
  for (const char* none : {"", "(", ")(", "(]", "())"})
    EXPECT_EQ(opening_of_pair(none), 0u) << none;
}

TEST(TextEdit, PositionsFollowEdits) {
  const Edit replaced{10, "abcd", "xy"};
  EXPECT_EQ(rebased(9, replaced, true), 9u);
  EXPECT_EQ(rebased(10, replaced, false), 10u);
  EXPECT_EQ(rebased(14, replaced, true), 12u);
  EXPECT_EQ(rebased(20, replaced, true), 18u);
  EXPECT_EQ(rebased(12, replaced, true), 10u);   // within: before what came
  EXPECT_EQ(rebased(12, replaced, false), 12u);  // or behind it
  const Edit inserted{10, "", "xy"};
  EXPECT_EQ(rebased(10, inserted, true), 10u);
  EXPECT_EQ(rebased(10, inserted, false), 12u);
}

struct Follow {
  Edit edit;
  bool grows;
  TrackedRange after;
};

TEST(TextEdit, RangesFollowEditsAroundAndWithin) {
  const TrackedRange before{10, 20};
  const std::vector<Follow> cases{
      {{0, "", "abc"}, false, {13, 23}},           {{0, "abc", ""}, false, {7, 17}},
      {{25, "", "abc"}, true, {10, 20}},           {{15, "", "abc"}, false, {10, 23}},
      {{15, "ab", ""}, false, {10, 18}},           {{10, "", "abc"}, true, {13, 23}},
      {{20, "", "abc"}, false, {10, 20}},          {{20, "", "abc"}, true, {10, 23}},
      {{10, "0123456789", "ab"}, false, {10, 12}}, {{8, "0123456789abcd", "xy"}, false, {10, 10}},
      {{18, "abcd", "xyz"}, false, {10, 21}},      {{8, "abcd", "xyz"}, false, {11, 19}},
  };
  for (const Follow& that : cases)
    EXPECT_EQ(rebased(before, that.edit, that.grows), that.after)
        << that.edit.start << " -" << that.edit.old_text << " +" << that.edit.new_text;
}

TEST(TextEdit, AnEmptyRangeGrowsOrStandsStill) {
  EXPECT_EQ(rebased(TrackedRange{10, 10}, {10, "", "ab"}, true), (TrackedRange{10, 12}));
  EXPECT_EQ(rebased(TrackedRange{10, 10}, {10, "", "ab"}, false), (TrackedRange{10, 10}));
}

TEST(RemainsTest, IsWhatNoEditTouched) {
  Remains remains({10, 20});
  remains.apply({12, "ab", "xyz"});
  EXPECT_THAT(remains.parts(), ElementsAre(TrackedRange{10, 12}, TrackedRange{15, 21}));
  remains.apply({18, "", "!"});  // an insertion divides
  EXPECT_THAT(remains.parts(),
              ElementsAre(TrackedRange{10, 12}, TrackedRange{15, 18}, TrackedRange{19, 22}));
  remains.apply({0, "abc", ""});
  EXPECT_THAT(remains.parts(),
              ElementsAre(TrackedRange{7, 9}, TrackedRange{12, 15}, TrackedRange{16, 19}));
  remains.apply({0, std::string(30, 'x'), ""});
  EXPECT_THAT(remains.parts(), IsEmpty());
}

TEST(RemainsTest, WhatIsAddedIsInOrderAndNeverEmpty) {
  Remains remains;
  remains.add({10, 12});
  remains.add({1, 2});
  remains.add({5, 5});
  EXPECT_THAT(remains.parts(), ElementsAre(TrackedRange{1, 2}, TrackedRange{10, 12}));
}

TEST(RemainsTest, MeetsWhatItSharesAByteWith) {
  const Remains remains({10, 12});
  EXPECT_TRUE(remains.meets({11, 30}));
  EXPECT_TRUE(remains.meets({0, 11}));
  EXPECT_FALSE(remains.meets({12, 30}));
  EXPECT_FALSE(remains.meets({0, 10}));
}

TEST(TextEdit, Utf16CountsSurrogatesAsTwo) {
  const std::string text = "a\xC3\xA9\xF0\x9F\x98\x80z";  // a é 😀 z
  EXPECT_EQ(utf16_length(text), 5u);
  const std::vector<std::size_t> bytes{0, 1, 3, 3, 7, 8, 8};  // a half surrogate is not cut
  for (std::size_t units = 0; units < bytes.size(); ++units)
    EXPECT_EQ(bytes_of_utf16(text, units), bytes[units]) << units;
}

}  // namespace
}  // namespace strop::agent
