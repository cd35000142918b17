// What settles after an outcome: texts, what is kept, flags, times.
#include "agent/settling.h"

#include "agent/settling_fixture.h"

namespace strop::agent::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

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

}  // namespace
}  // namespace strop::agent::test
