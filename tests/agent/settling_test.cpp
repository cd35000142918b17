// What settles after an outcome: texts, what is kept, flags, times.
#include "agent/settling.h"

#include "agent/tracker_fixture.h"

namespace strop::agent::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class SettlingTest : public TrackerTest {
 protected:
  // An accepted `with`, at the cursor.
  void accept(const std::string& with) {
    offer(with);
    wait_ms(100);
    apply();
  }
  std::vector<double> times() const {
    std::vector<double> out;
    for (const Settled& state : all<Settled>()) out.push_back(state.after_ms);
    return out;
  }
  Settled at_close() {
    wait_ms(11'000);
    close();
    return settled();
  }
};

TEST_F(SettlingTest, IsToldAtFifteenSecondsThirtyTwoFiveAndTenMinutes) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(1'000'000);
  EXPECT_THAT(times(), ElementsAre(15'000, 30'000, 120'000, 300'000, 600'000));
  std::vector<bool> final;
  for (const Settled& state : all<Settled>()) final.push_back(state.final);
  EXPECT_THAT(final, ElementsAre(false, false, false, true, false));
}

TEST_F(SettlingTest, TheFinalStateWaitsForQuiet) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(295'000);
  insert(" ");
  backspace();
  edit(4, 11, "Compute");
  wait_ms(6'000);
  EXPECT_THAT(times(), SizeIs(3));
  wait_ms(60'000);
  ASSERT_THAT(times(), SizeIs(4));
  EXPECT_TRUE(settled().final);
  EXPECT_NEAR(settled().after_ms, 305'050, 1);
  EXPECT_EQ(settled().text, "Compute(1)");
}

TEST_F(SettlingTest, ClosingMakesTheStateFinal) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(20'000);
  close();
  wait_ms(1'000'000);
  ASSERT_THAT(all<Settled>(), SizeIs(2));
  EXPECT_TRUE(settled().final);
}

TEST_F(SettlingTest, TheSessionsEndMakesTheStateFinal) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(5'000);
  end_session();
  EXPECT_TRUE(settled().final);
}

TEST_F(SettlingTest, WhoWasKilledLeavesTheTextUnsettled) {
  open("x = |;");
  accept("compute(1)");
  backspace(3);  // on the way to another text
  crash();
  EXPECT_THAT(outcomes(), ElementsAre("accepted by state 'compute(1)'"));
  EXPECT_THAT(all<Settled>(), IsEmpty());
}

TEST_F(SettlingTest, AnExitWithoutShutdownIsNoEndInOrder) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(5'000);
  client({{"method", "exit"}});
  crash();
  EXPECT_THAT(all<Settled>(), IsEmpty());
}

TEST_F(SettlingTest, SavingTellsWhatChanged) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(1'000);
  save();
  save();
  EXPECT_THAT(all<Settled>(), SizeIs(1));
  edit(4, 11, "derive");
  save();
  EXPECT_THAT(all<Settled>(), SizeIs(2));
  EXPECT_EQ(settled().text, "derive(1)");
  EXPECT_FALSE(settled().final);
}

TEST_F(SettlingTest, UnseenAndUnknownDoNotSettle) {
  open("x = |;");
  offer("width");
  type("q");
  wait_ms(1'000'000);
  EXPECT_THAT(all<Settled>(), IsEmpty());
}

TEST_F(SettlingTest, KeptCharactersAreThoseNoEditTouched) {
  open("x = |;");
  accept("compute(width, height)");
  wait_ms(1'000);
  edit(12, 17, "depth");  // "width", told as one edit of its differing letters or whole
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(depth, height)");
  EXPECT_EQ(state.kept_chars, 22 - 3);  // "th" at the end is common to both
  EXPECT_EQ(state.token_edits, 1);
}

TEST_F(SettlingTest, KeptCharactersCountInUtf16) {
  open("x = |;");
  accept("\"żółć 😀\"");
  const Settled state = at_close();
  EXPECT_EQ(state.kept_chars, 9);
}

TEST_F(SettlingTest, LinesInsertedAboveMoveTheRegionAlong) {
  open("int a;\nx = |;\n");
  accept("compute(1)");
  wait_ms(1'000);
  for (int i = 0; i < 5; ++i) edit(0, 0, "// a line above\n");
  edit_elsewhere("int a", "long a");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_EQ(state.kept_chars, 10);
  EXPECT_THAT(state.flags, IsEmpty());
}

TEST_F(SettlingTest, WhatIsTypedBehindDoesNotBelongToIt) {
  open("x = |");
  accept("compute(1)");
  type(" + more;\nint y;");
  EXPECT_EQ(at_close().text, "compute(1)");
}

TEST_F(SettlingTest, ANewEndBelongsToIt) {
  open("x = |\n");
  accept("compute(1);");
  backspace(3);
  type("2);\nint other;");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(2);");
  EXPECT_EQ(state.kept_chars, 8);
}

TEST_F(SettlingTest, WhatWasWrittenInstead) {
  open("{\n  |\n}\n");
  offer("return width;");
  wait_ms(700);
  type("throw height;\n  more();");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "throw height;");
  EXPECT_EQ(state.kept_chars, 0);
  EXPECT_EQ(state.token_edits, 2);
  EXPECT_THAT(state.flags, IsEmpty());
}

TEST_F(SettlingTest, WhatWasWrittenInsteadStopsWhereTextStoodBefore) {
  open("f(|); // end\n");
  offer("width");
  wait_ms(700);
  type("height");
  EXPECT_EQ(at_close().text, "height");
}

TEST_F(SettlingTest, WhatWasWrittenInsteadOfSeveralLines) {
  open("{\n  |\n}\n");
  offer("if (a)\n    b();");
  wait_ms(700);
  type("while (a)");
  insert("\n    ");
  type("c();");
  insert("\n  ");
  type("d();");
  EXPECT_EQ(at_close().text, "while (a)\n    c();");
}

TEST_F(SettlingTest, WhatWasWrittenInsteadOfAWordIsAboutAsLong) {
  open("x = |\n");
  offer("width");
  wait_ms(700);
  type("heights.front() + offset * 3 + something_else;");
  EXPECT_EQ(at_close().text, "heights");
}

TEST_F(SettlingTest, WhatWasWrittenBeginsWithTheReplacedText) {
  open("x = wi|;\n");
  offer_items({{"width", 2, {}}});
  wait_ms(700);
  type("ll");
  EXPECT_EQ(at_close().text, "will");
}

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

TEST_F(SettlingTest, UndoneIsFlaggedAndStaysAccepted) {
  open("x = co|;\n");
  offer_items({{"compute(1)", 2, command(1)}});
  wait_ms(100);
  tab();
  wait_ms(1'000);
  edit(4, 14, "co");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "co");
  EXPECT_THAT(state.flags, ElementsAre("undo"));
  EXPECT_THAT(outcomes(), ElementsAre("accepted by command 'compute(1)'"));
}

TEST_F(SettlingTest, UndoneAndRedoneIsThereAgain) {
  open("x = |;\n");
  accept("compute(1)");
  wait_ms(1'000);
  edit(4, 14, "");
  wait_ms(500);
  insert("compute(1)");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_THAT(state.flags, Contains("undo"));
  EXPECT_THAT(state.flags, Not(Contains("foreign")));
}

TEST_F(SettlingTest, DeletedByHandIsCorrectedToDismissed) {
  open("x = |;\n");
  accept("compute");
  wait_ms(2'000);
  backspace(7);
  wait_ms(60'000);
  EXPECT_THAT(outcomes(),
              ElementsAre("accepted by state 'compute'", "dismissed/deleted instead of accepted"));
}

TEST_F(SettlingTest, ALineDeletedWithItIsCorrectedToDismissed) {
  open("{\n  |\n}\n");
  accept("compute();");
  wait_ms(2'000);
  edit(1, 1 + 13, "");
  wait_ms(60'000);
  EXPECT_THAT(outcomes(), ElementsAre("accepted by state 'compute();'",
                                      "dismissed/deleted instead of accepted"));
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

TEST_F(SettlingTest, DiagnosticsBeforeAndAfterByLine) {
  open("int a;\nx = |;\n");
  const auto publish = [this](const std::vector<std::pair<int, int>>& entries) {
    json list = json::array();
    for (const auto& [line, severity] : entries)
      list.push_back({{"range",
                       {{"start", {{"line", line}, {"character", 0}}},
                        {"end", {{"line", line}, {"character", 1}}}}},
                      {"severity", severity},
                      {"message", "m"}});
    server({{"method", "textDocument/publishDiagnostics"},
            {"params", {{"uri", uri}, {"diagnostics", list}}}});
  };
  publish({{0, 1}, {1, 1}});
  accept("compute(1)");
  publish({{0, 1}, {1, 2}, {1, 2}, {1, 4}});
  const Settled state = at_close();
  EXPECT_EQ(state.diagnostics_before, (schema::DiagnosticCounts{{"error", 1}}));
  EXPECT_EQ(state.diagnostics_after, (schema::DiagnosticCounts{{"warning", 2}, {"hint", 1}}));
}

TEST_F(SettlingTest, APartSettlesAsTheAcceptedPart) {
  open("x = |\n");
  offer("alpha beta gamma");
  wait_ms(200);
  insert("alpha");
  wait_ms(200);
  type(" + 1;");
  const Settled state = at_close();
  EXPECT_EQ(state.text, "alpha");
  EXPECT_EQ(state.kept_chars, 5);
}

TEST_F(SettlingTest, OnlySoManyAreWatched) {
  TrackerOptions options;
  options.max_settling = 3;
  begin_session(Counts::kUtf16, false, options);
  open("|\n");
  for (int i = 0; i < 8; ++i) {
    accept("call_" + std::to_string(i) + "();");
    wait_ms(1'000);
    insert("\n");
  }
  EXPECT_EQ(tracker->counters().displaced_settling, 5u);
  close();
  EXPECT_THAT(all<Settled>(), SizeIs(3));
}

TEST_F(SettlingTest, RenamedDocumentsAreFollowed) {
  open("x = |;");
  accept("compute(1)");
  wait_ms(1'000);
  tell("workspace/didRenameFiles",
       {{"files", {{{"oldUri", uri}, {"newUri", "file:///src/renamed.cpp"}}}}});
  uri = "file:///src/renamed.cpp";
  const Settled state = at_close();
  EXPECT_EQ(state.text, "compute(1)");
  EXPECT_EQ(events.back().uri, uri);
}

TEST_F(SettlingTest, ALongTextIsCutBetweenTwoCharacters) {
  std::string written = "a";  // so that the limit of 64 KiB falls into a character
  for (int i = 0; i < 40'000; ++i) written += "\xC3\xA9";
  open("x = |;");
  accept(written);
  wait_ms(1'000'000);
  EXPECT_EQ(settled().text.size(), (64u << 10) - 1);
  EXPECT_EQ(settled().text, written.substr(0, (64u << 10) - 1));
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
