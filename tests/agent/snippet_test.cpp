// Snippets as they stand in the document with nothing typed into them.
#include "agent/snippet.h"

#include <gtest/gtest.h>

namespace strop::agent {
namespace {

struct Case {
  std::string name;
  std::string snippet;
  std::string text;
};

class Snippet : public testing::TestWithParam<Case> {};

TEST_P(Snippet, Expands) { EXPECT_EQ(expand_snippet(GetParam().snippet), GetParam().text); }

INSTANTIATE_TEST_SUITE_P(
    Syntax, Snippet,
    testing::Values(
        Case{"Empty", "", ""}, Case{"Plain", "size()", "size()"},
        Case{"TabStops", "f($1, ${2})$0", "f(, )"},
        Case{"Placeholder", "push_back(${1:value})$0", "push_back(value)"},
        Case{"EmptyPlaceholder", "a${1:}b", "ab"}, Case{"Nested", "${1:a${2:b}c}d", "abcd"},
        Case{"TheSameStopAgain", "${1:i} = $1 + ${1}", "i = i + i"},
        Case{"TheStopBeforeItsPlaceholder", "$1 < ${1:n}", "n < n"},
        Case{"TheFirstPlaceholderOfAStopCounts", "${1:a} ${1:b} $1", "a b a"},
        Case{"ChoiceIsItsFirst", "${1|one,two,three|};", "one;"},
        Case{"ChoiceWithEscapes", R"(${1|a\,b\|c\\,d|})", R"(a,b|c\)"},
        Case{"ChoiceIsTheStopsValue", "${1|x,y|}=$1", "x=x"},
        Case{"Variable", "a$TM_FILENAME.b", "a.b"},
        Case{"VariableInBraces", "a${TM_FILENAME}b", "ab"},
        Case{"VariableWithDefault", "${TM_SELECTED_TEXT:none ${1:x}}", "none x"},
        Case{"StopWithTransform", "${1:ab}${1/(.*)/${1:/upcase}/g}", "abab"},
        Case{"VariableWithTransform", R"(x${TM_FILENAME/(.*)\/\..+$/$1/}y)", "xy"},
        Case{"Escapes", R"(\$1 \} \\ ${1:\}})", R"($1 } \ })"},
        Case{"ABackslashBeforeOthersStays", R"(a\n\b)", R"(a\n\b)"},
        Case{"ABackslashAtTheEndStays", "a\\", "a\\"}, Case{"ADollarAlone", "a $ b$", "a $ b$"},
        Case{"ABraceAlone", "if (x) { $0 }", "if (x) {  }"},
        Case{"UnclosedPlaceholder", "${1:ab", "${1:ab"}, Case{"UnclosedStop", "${1", "${1"},
        Case{"UnclosedChoice", "${1|a,b", "${1|a,b"},
        Case{"UnclosedTransform", "${1/a/b", "${1/a/b"}, Case{"NoName", "${}x", "${}x"},
        Case{"ManyBytes", "\xC3\xA9${1:\xE2\x82\xAC}$0", "\xC3\xA9\xE2\x82\xAC"}),
    [](const auto& param) { return param.param.name; });

TEST(SnippetTest, WhatNothingClosesIsReadOnce) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += i % 2 == 0 ? "${1:" : "${A:";
  EXPECT_EQ(expand_snippet(deep), deep);
  std::string transforms;
  for (int i = 0; i < 10'000; ++i) transforms += "${1/";
  EXPECT_EQ(expand_snippet(transforms), transforms);
}

TEST(SnippetTest, StopsThatStandAgainDoNotGrowWithoutAnEnd) {
  std::string doubling = "${0:x}";
  for (int i = 1; i < 64; ++i) {
    const std::string last = "$" + std::to_string(i - 1);
    doubling += "${" + std::to_string(i) + ":" + last + last + "}";
  }
  const std::string text = expand_snippet(doubling);
  EXPECT_GT(text.size(), 1000u);
  EXPECT_LT(text.size(), 8u << 20);
}

}  // namespace
}  // namespace strop::agent
