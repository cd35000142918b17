// What of a candidate is kept, and where more than a line is asked for.
#include <gtest/gtest.h>

#include <string>

#include "agent/provider/candidate_shape.h"

namespace strop::agent::test {
namespace {

struct Place {
  const char* before;  // the cursor, on its line
  const char* behind;
  const char* next;
  bool goes_on;
};

TEST(MayGoOn, WhereABlockMayStand) {
  const Place kPlaces[] = {
      {"int x = ", "", "", true},
      {"int x = ", " \t\r", "int y;", true},
      {"int x = ", ";", "", false},
      {"f(", "a)", "", false},
      {"if (x) {", "", "}", true},
      {"if (x) {", "}", "", true},
      {"g([&] {", "});", "", true},
      {"def f():", "", "x = 1", true},
      {"def f():", "", "    return 1", false},  // it has its body
      {"  if (x) {", "", "    y();", false},
      {"  if (x) {", "", "  }", true},
      {"\tif (x) {", "", "\t\ty();", false},
      {"    ", "", "    z();", true},  // between statements
      {"    ", "", "}", true},
      {"", "", "    z();", false},
      {"f(a", ")", "", false},  // within an argument
      {"", ")", "", false},
  };
  for (const Place& place : kPlaces)
    EXPECT_EQ(may_go_on(place.before, place.behind, place.next), place.goes_on)
        << place.before << '|' << place.behind << '/' << place.next;
}

std::string kept(const std::string& text, const std::string& prefix, const std::string& suffix,
                 bool single_line = false) {
  return text.substr(0, kept_size(text, prefix, suffix, single_line));
}

TEST(KeptSize, OfOneLineEndsWithIt) {
  EXPECT_EQ(kept("a\nb", "", "", true), "a");
  EXPECT_EQ(kept("a\r\nb", "", "", true), "a");
  EXPECT_EQ(kept("a", "", "", true), "a");
  EXPECT_EQ(kept("\na", "", "", true), "");
  EXPECT_EQ(kept("f(a)", "", ")", true), "f(a)") << "a line is left as the model has it";
}

TEST(KeptSize, EndsWhereTheIndentationFallsBelowTheCursorsLine) {
  EXPECT_EQ(kept("x = 1;\n  y = 2;\n}\nint z;", "f {\n  ", "\n}"), "x = 1;\n  y = 2;");
  EXPECT_EQ(kept("\n    y();\n  }", "f {\n  if (x) {", "\n"), "\n    y();\n  }")
      << "as far in as the cursor's line is in";
  EXPECT_EQ(kept("\n    y();\n\n  z();\nq();", "f {\n  if (x) {", "\n"), "\n    y();\n\n  z();")
      << "blank lines have no indentation";
  EXPECT_EQ(kept("x\r\n  y\r\nz", "f {\r\n  ", ""), "x\r\n  y");
  EXPECT_EQ(kept("x\n\ty\n        z\n    q", "\t", ""), "x\n\ty\n        z") << "a tab is eight";
}

TEST(KeptSize, EndsWhereItRepeatsTheNextLine) {
  EXPECT_EQ(kept("a();\n  b();\n  c();", "{\n  ", "\n\n  b();  \n}"), "a();");
  EXPECT_EQ(kept("\n    a();\n  }\n  b();", "  if (x) {", "\n  }\n"), "\n    a();");
  EXPECT_EQ(kept("\n    if (y) {\n    }\n  }", "  if (x) {", "\n  }"), "\n    if (y) {\n    }")
      << "the same bracket further in is another";
}

TEST(KeptSize, EndsBeforeWhatFollowsTheCursor) {
  EXPECT_EQ(kept("\n  return 1;\n});", "g([&] {", "});\n"), "\n  return 1;\n");
  EXPECT_EQ(kept("\n  f(x)", "g(", ")"), "\n  f(x)") << "this one closes its own";
  EXPECT_EQ(kept("a();\n  b();\n", "  ", "\nc();"), "a();\n  b();");
}

TEST(KeptSize, IsAllWhereNothingSpeaksAgainstIt) {
  EXPECT_EQ(kept("a();\nb();", "", ""), "a();\nb();");
  EXPECT_EQ(kept("", "", ""), "");
  EXPECT_EQ(kept("}", "  ", "}"), "}") << "one line";
}

}  // namespace
}  // namespace strop::agent::test
