// Mutated inputs keep to the size allowed, and every kind of change comes about.
#include "mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace strop::fuzz {
namespace {

TEST(Mutator, NothingGrowsBeyondTheSizeAllowed) {
  Mutator mutator(1, {"word"}, 10);
  std::string input;
  for (int i = 0; i < 10'000; ++i) {
    input = mutator.mutate(mutator.splice(input, input));
    ASSERT_LE(input.size(), 10u);
  }
}

TEST(Mutator, EveryKindOfChangeComesAbout) {
  struct Case {
    const char* name;
    std::string input;
    std::function<bool(const std::string&)> seen;
  };
  const auto sorted = [](std::string text) {
    std::sort(text.begin(), text.end());
    return text;
  };
  const std::vector<Case> cases{
      {"a bit flipped", "aaaa", [](const auto& s) { return s == "aaca"; }},
      {"a byte put in", "aaaa",
       [](const auto& s) { return s.size() == 5 && s.find("aaaa") == std::string::npos; }},
      {"a piece taken out", "abcdef", [](const auto& s) { return s == "abef"; }},
      {"a piece twice", "abcdef", [](const auto& s) { return s == "abcdcdef"; }},
      {"a piece moved", "abcdef", [](const auto& s) { return s == "cdefab"; }},
      {"a line moved", "ab\ncd\nef\n", [](const auto& s) { return s == "cd\nab\nef\n"; }},
      {"letters shuffled", "abcdef",
       [&](const auto& s) { return s != "abcdef" && sorted(s) == "abcdef" && s[0] == 'a'; }},
      {"another number", "[12]", [](const auto& s) { return s == "[2147483647]"; }},
      {"a negative number", "[12]", [](const auto& s) { return s == "[-1]"; }},
      {"a number in bytes", "aaaa", [](const auto& s) { return s == "\xff\xff\xff\xff"; }},
      {"a word put in", "ab", [](const auto& s) { return s == "aWORDb"; }},
      {"a word put over", "abcdefg", [](const auto& s) { return s == "aWORDfg"; }},
  };
  for (const Case& c : cases) {
    Mutator mutator(5, {"WORD"}, 100);
    bool seen = false;
    for (int i = 0; i < 200'000 && !seen; ++i) seen = c.seen(mutator.mutate(c.input));
    EXPECT_TRUE(seen) << c.name;
  }
}

TEST(Mutator, ASpliceIsABeginningAndAnEnd) {
  Mutator mutator(1, {}, 100);
  bool at_lines = false;
  for (int i = 0; i < 1'000; ++i) {
    const std::string spliced = mutator.splice("ab\ncd\n", "12\n34\n");
    const std::size_t end = std::min(spliced.find_first_of("1234"), spliced.size());
    at_lines = at_lines || spliced == "ab\n34\n";
    EXPECT_EQ(spliced.find_first_of("abcd", end), std::string::npos) << spliced;
  }
  EXPECT_TRUE(at_lines);
}

}  // namespace
}  // namespace strop::fuzz
