// What the tracker makes of typing: through a suggestion, through parts of it, over it.
#include "agent/tracker_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- typing through

TEST_F(TrackerTest, TypingThroughIsOneSuggestionHoweverOftenItIsOffered) {
  open("|;");
  offer_items({{"return x;", 0, command(1)}});
  wait_ms(400);
  type("r");
  offer_items({{"return x;", 1, command(2)}});
  type("e");
  offer_items({{"return x;", 2, command(3)}});
  wait_ms(100);
  tab();
  EXPECT_THAT(all<Offered>(), SizeIs(1));
  EXPECT_THAT(all<Shown>(), SizeIs(1));
  expect("accepted by command 'return x;'");
  EXPECT_DOUBLE_EQ(all<Outcome>()[0].display_ms, 700);
}

TEST_F(TrackerTest, TypedOutToTheEnd) {
  open("|;");
  offer("x = 1");
  wait_ms(300);
  type("x = 1");
  expect("typed_through by state 'x = 1'");
}

TEST_F(TrackerTest, TypedOutWithinHalfASecondIsUnseen) {
  open("|;");
  offer("xy");
  type("xy");
  expect("unseen");
}

TEST_F(TrackerTest, TypingThroughALineBreakWithIndentation) {
  open("if (a) {|");
  offer("\n  b();\n}");
  wait_ms(600);
  insert("\n  ");
  type("b();");
  insert("\n");
  type("}");
  expect("typed_through by state '\n  b();\n}'");
}

TEST_F(TrackerTest, TypingThroughClosingBracketsThatTheEditorAdds) {
  open("x = |;");
  offer("f(a, b)");
  wait_ms(600);
  type("f");
  wait_ms(100);
  insert("()");
  --cursor;
  type("a, b");
  expect("typed_through by state 'f(a, b)'");
}

TEST_F(TrackerTest, AskingWithinBracketsThatTheEditorAddsKeepsTheSuggestion) {
  open("x = |;");
  offer("f(a)");
  wait_ms(600);
  type("f");
  wait_ms(100);
  insert("()");
  --cursor;
  offer("a)");
  EXPECT_THAT(all<Offered>(), SizeIs(1));
  wait_ms(100);
  apply();
  close();
  EXPECT_THAT(outcomes(), ElementsAre("accepted by state 'f(a)'"));
}

TEST_F(TrackerTest, ACommandTurnsTheLastKeyIntoAnAccept) {
  open("x = |;");
  offer_items({{"1", 0, command(1)}});
  wait_ms(100);
  tab();
  expect("accepted by command '1'");
}

TEST_F(TrackerTest, AClosedPairThatMayBeKeyOrAcceptIsUnknown) {
  open("x = f|;");
  offer("()");
  wait_ms(600);
  insert("()");
  expect("unknown");
}

TEST_F(TrackerTest, GoingBackWithinTheTypedPartKeepsIt) {
  open("x = |;");
  offer("width");
  wait_ms(400);
  type("wid");
  backspace(2);
  type("idth");
  expect("typed_through by state 'width'");
}

TEST_F(TrackerTest, SeveralKeysInOneNotificationAreStillTyping) {
  open("x = |;");
  offer("width + 1");
  wait_ms(600);
  change({{4, 4, "w"}, {5, 5, "i"}, {6, 6, "d"}});
  change({{7, 7, "q"}});
  expect("dismissed/typed_over");
}

// ---- parts

TEST_F(TrackerTest, APartIsAPart) {
  open("x = |;");
  offer("total_price * count");
  wait_ms(200);
  insert("total_price");
  wait_ms(300);
  type(" + 1");
  expect("partial by state 'total_price'");
}

TEST_F(TrackerTest, PartsOnlyGrow) {
  open("x = |;");
  offer("alpha beta gamma");
  wait_ms(200);
  insert("alpha");
  wait_ms(200);
  insert(" beta");
  backspace(5);
  type("x");
  expect("partial by state 'alpha beta'");
  EXPECT_EQ(all<Outcome>()[0].accepted_chars, 10);
}

TEST_F(TrackerTest, APartTypedOutToTheEndStaysAPart) {
  open("x = |;");
  offer("alpha beta");
  wait_ms(200);
  insert("alpha");
  type(" beta");
  expect("partial by state 'alpha beta'");
}

TEST_F(TrackerTest, APartThenTheRestByTabIsAnAccept) {
  open("x = |;");
  offer_items({{"alpha beta", 0, command(1)}});
  wait_ms(200);
  insert("alpha");
  wait_ms(200);
  tab();
  expect("accepted by command 'alpha beta'");
}

TEST_F(TrackerTest, ThePopupsWordIsNoPartOfTheGhostText) {
  open("w.comp|;");
  offer("ute_area(1, 2)");
  offer_list({{{"label", "compute_area"}}});
  wait_ms(600);
  edit(2, 6, "compute_area");
  type("(3");
  wait_ms(5'000);
  EXPECT_THAT(outcomes(), testing::UnorderedElementsAre("accepted by state 'compute_area'",
                                                        "dismissed/typed_over"));
}

// ---- typed over

TEST_F(TrackerTest, TypedOverAfterHalfASecondIsDismissed) {
  open("x = |;");
  offer("width");
  wait_ms(600);
  type("height");
  expect("dismissed/typed_over");
  EXPECT_DOUBLE_EQ(all<Outcome>()[0].display_ms, 700);
}

TEST_F(TrackerTest, TypedOverWithinHalfASecondIsUnseen) {
  open("x = |;");
  offer("width");
  wait_ms(300);
  type("height");
  expect("unseen");
}

TEST_F(TrackerTest, TypedOverAfterTypingThroughCountsAllTheTime) {
  open("x = |;");
  offer("width");
  wait_ms(300);
  type("wi");
  type("ll");
  expect("dismissed/typed_over");
}

TEST_F(TrackerTest, ASlipOfTheFingerIsNoReject) {
  open("x = |;");
  offer("width");
  wait_ms(600);
  type("q");
  backspace();
  expect("ignored/superseded");
}

TEST_F(TrackerTest, AfterASlipTheSameTextIsTheSameSuggestion) {
  open("x = |;");
  offer("width");
  wait_ms(300);
  type("q");
  backspace();
  offer("width");
  wait_ms(300);
  type("he");
  expect("dismissed/typed_over");
  EXPECT_DOUBLE_EQ(all<Outcome>()[0].display_ms, 800);
  EXPECT_THAT(all<Offered>(), SizeIs(1));
}

TEST_F(TrackerTest, TextThatAnotherPutsThereIsNoTypingOver) {
  open("x = |;");
  offer("width");
  wait_ms(600);
  insert("something_else(1)");
  expect("ignored/superseded");
}

TEST_F(TrackerTest, TheWholeDocumentMaySayTheSame) {
  begin_session(Counts::kUtf8, true);
  open("x = |aa;");
  offer("aab");
  wait_ms(600);
  type("aa");  // told as an insertion behind the letters that are there
  EXPECT_THAT(outcomes(), IsEmpty());
  type("c");
  expect("dismissed/typed_over");
}

TEST_F(TrackerTest, TheWholeDocumentTellsAnAcceptBeforeTheSameLetters) {
  begin_session(Counts::kUtf16, true);
  open("f(|);");
  offer("a)(b)");
  wait_ms(100);
  apply();
  expect("accepted by state 'a)(b)'");
}

}  // namespace
}  // namespace strop::agent::test
