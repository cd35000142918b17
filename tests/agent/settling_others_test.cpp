// What settles where others touch a text: pastes, other assistants, formatters, branches, edits
// told around it.
#include "agent/settling_fixture.h"

namespace strop::agent::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST_F(SettlingTest, AnotherAcceptedSuggestionIsNotForeign) {
  open("x = |\n");
  offer("width * 2 + total");
  wait_ms(700);
  type("h");
  offer("eight * 2 + total");
  wait_ms(100);
  apply();
  close();
  for (const Settled& state : all<Settled>()) {
    EXPECT_EQ(state.text.substr(state.text.size() - 16), "ight * 2 + total");
    EXPECT_THAT(state.flags, IsEmpty());
  }
}

TEST_F(SettlingTest, TextOfUnknownOriginIsForeign) {
  open("x = |\n");
  offer("width");
  wait_ms(700);
  type("h");
  insert("eight_of(x)");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "height_of(x)");
  EXPECT_THAT(state.flags, ElementsAre("foreign"));
}

TEST_F(SettlingTest, ForeignTextOutsideOfWhatIsToldIsNotFlagged) {
  open("x = |\n");
  offer("width;");
  wait_ms(700);
  type("height;\n");
  insert("int something = else_where();\n");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "height;");
  EXPECT_THAT(state.flags, IsEmpty());
}

TEST_F(SettlingTest, TextThatStandsElsewhereIsAPaste) {
  open("compute_everything(a);\nx = |\n");
  offer("width_of_all");
  wait_ms(700);
  type("(");
  insert("compute_everything(a)");
  EXPECT_THAT(at_close().flags, ElementsAre("paste", "foreign"));
}

TEST_F(SettlingTest, TextCutAndPastedIsAPaste) {
  open("x = |\ncompute_everything();\n");
  offer("width_of_all_of_it;");
  wait_ms(700);
  type("(");
  const std::size_t at = cursor;
  edit(text.find("compute"), text.size() - 1, "");
  cursor = at;
  insert("compute_everything()");
  EXPECT_THAT(at_close().flags, ElementsAre("paste", "foreign"));
}

TEST_F(SettlingTest, FormattingIsNotTheDevelopersWork) {
  open("{\n|\n}\n");
  accept("compute( 1,2 );");
  wait_ms(1'000);
  client({{"id", 90},
          {"method", "textDocument/formatting"},
          {"params", {{"textDocument", {{"uri", uri}}}}}});
  server({{"id", 90}, {"result", {{{"range", range(2, 17)}, {"newText", "  compute(1, 2);"}}}}});
  wait_ms(30);
  edit(2, 17, "  compute(1, 2);");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1, 2);");
  EXPECT_EQ(state.kept_chars, 13);
  EXPECT_EQ(state.token_edits, 0);
  EXPECT_THAT(state.flags, ElementsAre("formatter"));
}

TEST_F(SettlingTest, WhiteSpaceInManyPlacesIsAFormattersWork) {
  begin_session(Counts::kUtf16, true);
  open("{\n|\nint a=1;\nint b=2;\n}\n");
  accept("compute( 1,2 );");
  wait_ms(1'000);
  const std::string formatted = "{\n  compute(1, 2);\n  int a = 1;\n  int b = 2;\n}\n";
  edit(0, text.size(), formatted);
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1, 2);");
  EXPECT_THAT(state.flags, ElementsAre("formatter"));
}

TEST_F(SettlingTest, ManyLinesAtOnceAreABranchSwitch) {
  std::string before;
  std::string after;
  for (int i = 0; i < 40; ++i) {
    before += "int old_" + std::to_string(i) + ";\n";
    after += "long new_" + std::to_string(i) + " = 0;\n";
  }
  open("x = |;\n" + before);
  accept("compute(1)");
  wait_ms(1'000);
  edit(text.find("int old_0"), text.size(), after);
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_THAT(state.flags, ElementsAre("branch_switch"));
}

TEST_F(SettlingTest, WhatAnotherBranchTakesAwayWasNotDeleted) {
  open("a\nx = |;\nb\n");
  offer("compute(1)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  const std::string mine = text;
  edit(0, text.size(), "~ another branch, of few lines\n~ and not of ours\n");
  wait_ms(20'000);
  edit(0, text.size(), mine);
  wait_ms(20'000);
  close();
  EXPECT_THAT(outcomes(), testing::ElementsAre("accepted by state 'compute(1)'"));
}

TEST_F(SettlingTest, WhatIsDeletedAfterAFormatterTouchedItIsDeleted) {
  open("x = |;\n");
  offer("compute( 1)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  client({{"id", 300},
          {"method", "textDocument/formatting"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"options", json::object()}}}});
  server({{"id", 300}, {"result", {{{"range", range(12, 13)}, {"newText", ""}}}}});
  edit(12, 13, "");
  wait_ms(8'000);
  for (std::size_t end = 14; end > 4; --end) edit(end - 1, end, "");
  wait_ms(20'000);
  EXPECT_THAT(outcomes(), testing::Contains(testing::HasSubstr("dismissed")));
}

TEST_F(SettlingTest, OneCharacterInEachOfManyLinesToldAsOneStretchIsNoTyping) {
  open("a0\nand\nb0\nand\nx = |;\nand\nd0\nand\n");
  offer("compute(0)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  std::string other = text;
  std::replace(other.begin(), other.end(), '0', '1');
  edit(0, text.size(), other);
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_THAT(state.flags, testing::Contains("foreign"));
}

TEST_F(SettlingTest, AStretchToldAroundItLeavesItAsItIs) {
  open("one\n2\nx = |;\n4\nfive\n");
  offer("compute(1)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  edit(0, text.size() - 1, "eins\n2\nx = compute(1);\n4\nfünf");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_EQ(state.kept_chars, 10);
  EXPECT_THAT(outcomes(), testing::ElementsAre("accepted by state 'compute(1)'"));
}

TEST_F(SettlingTest, AFormatterElsewhereInTheLineDidNotFormatIt) {
  open("x=|;  \n");
  offer("compute(1)");
  wait_ms(600);
  tab();
  wait_ms(2'000);
  client({{"id", 300},
          {"method", "textDocument/formatting"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"options", json::object()}}}});
  server({{"id", 300},
          {"result",
           {{{"range", range(0, 0)}, {"newText", "  "}},
            {{"range", range(13, 15)}, {"newText", ""}}}}});
  change({{13, 15, ""}, {0, 0, "  "}});
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_THAT(state.flags, testing::IsEmpty());
}

}  // namespace
}  // namespace strop::agent::test
