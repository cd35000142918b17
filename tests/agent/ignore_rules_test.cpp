// Patterns in .gitignore's form, against what git itself says of them.
#include "agent/privacy/ignore_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strop::agent::test {
namespace {

struct Case {
  std::string name;
  std::string patterns;
  std::string path;
  std::string ignored_by;  // empty: it is not
};

class IgnoreRulesTest : public testing::TestWithParam<Case> {};

TEST_P(IgnoreRulesTest, SaysWhatGitSays) {
  EXPECT_EQ(IgnoreRules(GetParam().patterns).ignores(GetParam().path).value_or(""),
            GetParam().ignored_by);
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, IgnoreRulesTest,
    testing::Values(
        Case{"Nothing", "", "a.c", ""}, Case{"Comment", "#a.c\n", "#a.c", ""},
        Case{"NameAnywhere", "a.c\n", "x/y/a.c", "a.c"},
        Case{"AnchoredBySlash", "/a.c\n", "x/a.c", ""},
        Case{"AnchoredAtTop", "/a.c\n", "a.c", "/a.c"},
        Case{"AnchoredInside", "x/a.c\n", "y/x/a.c", ""},
        Case{"Star", "*.log\n", "x/b.log", "*.log"},
        Case{"StarStopsAtSlash", "x/*.log\n", "x/y/b.log", ""},
        Case{"Question", "a?c\n", "abc", "a?c"}, Case{"QuestionIsNoSlash", "/a?c\n", "a/c", ""},
        Case{"Class", "[a-c].x\n", "b.x", "[a-c].x"}, Case{"NoClass", "[!a-c].x\n", "b.x", ""},
        Case{"ClassWithoutEnd", "[a-c.x\n", "b.x", ""},
        Case{"LeadingStars", "**/x/a.c\n", "p/q/x/a.c", "**/x/a.c"},
        Case{"LeadingStarsAtTop", "**/x/a.c\n", "x/a.c", "**/x/a.c"},
        Case{"TrailingStars", "x/**\n", "x/y/a.c", "x/**"},
        Case{"MiddleStars", "x/**/a.c\n", "x/p/q/a.c", "x/**/a.c"},
        Case{"MiddleStarsOfNone", "x/**/a.c\n", "x/a.c", "x/**/a.c"},
        Case{"Folder", "out/\n", "x/out/a.c", "out/"},
        Case{"FolderIsNoFile", "out/\n", "x/out", ""},
        Case{"TakenBack", "*.log\n!keep.log\n", "keep.log", ""},
        Case{"TheLastDecides", "!keep.log\n*.log\n", "keep.log", "*.log"},
        Case{"NotBelowAnIgnoredFolder", "out/\n!out/keep.c\n", "out/keep.c", "out/"},
        Case{"Escaped", "\\#a\n\\!b\n", "#a", "\\#a"}, Case{"EscapedMark", "\\!b\n", "!b", "\\!b"},
        Case{"BlanksAtTheEnd", "a.c  \r\n", "a.c", "a.c"},
        Case{"WithoutLineEnd", "a.c", "a.c", "a.c"},
        Case{"ByteOrderMark",
             "\xEF\xBB\xBF"
             "a.c\n",
             "a.c", "a.c"},
        Case{"Many", "*a*a*a*a*a*a*a*a*b\n", std::string(200, 'a'), "*a*a*a*a*a*a*a*a*b"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace strop::agent::test
