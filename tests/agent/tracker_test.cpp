// What the tracker makes of typing on, parts, rejects and losses, one behaviour a test.
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

// ---- looking away

TEST_F(TrackerTest, AnEditElsewhereIsNoReject) {
  open("int a;\nint b = |;");
  offer("42");
  wait_ms(800);
  edit_elsewhere("int a", "long a");
  expect("ignored/moved_away");
}

TEST_F(TrackerTest, ARequestElsewhereIsNoReject) {
  open("int a;\nint b = |;");
  offer("42");
  wait_ms(800);
  cursor = 3;
  ask();
  expect("ignored/moved_away");
}

TEST_F(TrackerTest, ALookAtOtherPlacesShowsItGone) {
  open("int a;\nint b = |;");
  offer("42");
  wait_ms(800);
  client({{"id", 77},
          {"method", "textDocument/signatureHelp"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(2)}}}});
  expect("ignored/moved_away");
}

TEST_F(TrackerTest, MovedAwayAndBackAddsUp) {
  open("int a;\nint b = |;");
  offer("42");
  wait_ms(300);
  edit_elsewhere("int a", "long a");
  wait_ms(1'000);
  offer("42");
  wait_ms(300);
  type("7");
  expect("dismissed/typed_over");
  EXPECT_DOUBLE_EQ(all<Outcome>()[0].display_ms, 700);
}

TEST_F(TrackerTest, AnotherOfferSupersedes) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  offer("height");
  expect("ignored/superseded");
}

TEST_F(TrackerTest, AnEmptyAnswerTakesItAway) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  offer_items({});
  expect("ignored/superseded");
}

TEST_F(TrackerTest, SupersededAtOnceIsUnseen) {
  open("x = |;");
  offer("width");
  wait_ms(100);
  offer("height");
  expect("unseen");
}

TEST_F(TrackerTest, ClosingTheFileIsNoReject) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  close();
  expect("ignored/closed");
}

TEST_F(TrackerTest, TheEndOfTheSessionClosesEverything) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  end_session();
  EXPECT_THAT(outcomes(), ElementsAre("ignored/closed"));
}

TEST_F(TrackerTest, DeletingBeforeItIsNoReject) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  backspace(2);
  expect("ignored/moved_away");
}

TEST_F(TrackerTest, ForgottenOnTheScreenItIsIgnoredInTheEnd) {
  open("x = |;");
  offer("width");
  wait_ms(700'000);
  EXPECT_THAT(outcomes(), ElementsAre("ignored/moved_away"));
  EXPECT_EQ(all<Outcome>()[0].evidence, Evidence::kTimeout);
}

// ---- the editor's own words

TEST_F(TrackerTest, AnEditorThatTellsItRenders) {
  open("x = |;");
  offer_items({{"width", 0, command(1)}});
  tell("textDocument/didShowCompletion",
       {{"item", {{"insertText", "width"}, {"command", command(1)}}}});
  EXPECT_EQ(all<Shown>().back().presence, schema::Presence::kRendered);
  wait_ms(700);
  type("h");
  // From now on only what is told to be shown is.
  wait_ms(5'000);
  offer_items({{"eight", 0, command(2)}});
  wait_ms(700);
  type("x");
  expect("dismissed/typed_over", "unseen");
}

TEST_F(TrackerTest, AnEditorThatTellsParts) {
  open("x = |;");
  offer_items({{"alpha beta", 0, command(1)}});
  wait_ms(100);
  tell("textDocument/didPartiallyAcceptCompletion",
       {{"item", {{"insertText", "alpha beta"}, {"command", command(1)}}}, {"acceptedLength", 5}});
  insert("alpha");
  type("!");
  expect("partial by editor 'alpha'");
}

TEST_F(TrackerTest, ExplicitDismissalsCountAtAnyTime) {
  open("x = |;");
  client({{"id", 70},
          {"method", "getCompletions"},
          {"params", {{"doc", {{"uri", uri}, {"position", position(cursor)}}}}}});
  server({{"id", 70},
          {"result",
           {{"completions", {{{"uuid", "u1"}, {"text", "x = 1"}, {"range", range(0, cursor)}}}}}}});
  wait_ms(50);
  client({{"id", 71}, {"method", "notifyRejected"}, {"params", {{"uuids", {"u1"}}}}});
  expect("dismissed/explicit");
  EXPECT_EQ(events[0].dialect, "copilot");
}

TEST_F(TrackerTest, LlmLsTellsWhichOneWasAccepted) {
  open("x = |;");
  client({{"id", 70},
          {"method", "llm-ls/getCompletions"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(cursor)}}}});
  server({{"id", 70},
          {"result",
           {{"request_id", "r1"},
            {"completions", {{{"generated_text", "aaa"}}, {{"generated_text", "bbb"}}}}}}});
  insert("bbb");
  client({{"id", 71},
          {"method", "llm-ls/acceptCompletion"},
          {"params",
           {{"request_id", "r1"}, {"accepted_completion", 1}, {"shown_completions", {0, 1}}}}});
  expect("accepted by editor 'bbb'");
}

TEST_F(TrackerTest, RatingsGoToTheLastAccepted) {
  open("x = |;");
  offer_items({{"width", 0, command(1)}});
  tab();
  tell("strop/rate",
       {{"dimensions", {{"correctness", 1}, {"security", -7}, {"taste", 1}}}, {"reason", "fine"}});
  ASSERT_THAT(all<schema::Rated>(), SizeIs(1));
  EXPECT_EQ(all<schema::Rated>()[0].dimensions,
            (std::map<std::string, int>{{"correctness", 1}, {"security", -1}}));
  EXPECT_EQ(events.back().suggestion, events.front().suggestion);
}

// ---- encodings, several documents

TEST_F(TrackerTest, PositionsInEitherEncoding) {
  for (const Counts counts : {Counts::kUtf16, Counts::kUtf8}) {
    events.clear();
    begin_session(counts);
    open("s = \"żółć 😀 |\";");
    offer("漢字 text");
    EXPECT_EQ(all<Offered>()[0].position, (schema::TextPosition{0, 13}));
    wait_ms(100);
    apply();
    wait_ms(1'000);
    EXPECT_THAT(outcomes(), ElementsAre("accepted by state '漢字 text'"));
    EXPECT_EQ(all<Outcome>()[0].accepted_chars, 7);
  }
}

TEST_F(TrackerTest, TypingInAnotherDocumentIsLookingAway) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  uri = "file:///src/other.cpp";
  open("y = |;");
  offer("height");
  wait_ms(700);
  type("height");
  expect_in_any_order("ignored/moved_away", "typed_through by state 'height'");
}

// ---- drops and loss of step

TEST_F(TrackerTest, ADropClosesEverythingAsUnknown) {
  open("x = |;");
  offer("width");
  wait_ms(700);
  take(tracker->on_drop(now));
  EXPECT_THAT(outcomes(), ElementsAre("unknown"));
  EXPECT_DOUBLE_EQ(all<Outcome>()[0].confidence, 0);
}

TEST_F(TrackerTest, AfterADropNothingIsLabelledUntilTheDocumentIsInStep) {
  open("x = |;");
  take(tracker->on_drop(now));
  offer("width");
  wait_ms(100);
  apply();
  expect();
  close();
  open("x = |;");
  offer("width");
  wait_ms(100);
  apply();
  expect("accepted by state 'width'");
}

TEST_F(TrackerTest, AWholeTextBringsTheDocumentBackIntoStep) {
  begin_session(Counts::kUtf16, true);
  open("x = |;");
  take(tracker->on_drop(now));
  type("a");
  offer("rea");
  wait_ms(100);
  apply();
  expect("accepted by state 'rea'");
}

TEST_F(TrackerTest, AnEditThatDoesNotFitIsALossOfStep) {
  open("x = |;");
  offer("width");
  tell("textDocument/didChange",
       {{"textDocument", {{"uri", uri}, {"version", 9}}},
        {"contentChanges",
         {{{"range",
            {{"start", {{"line", 7}, {"character", 0}}}, {"end", {{"line", 8}, {"character", 0}}}}},
           {"text", "?"}}}}});
  expect("unknown");
  EXPECT_EQ(tracker->counters().unsynced_documents, 1u);
}

// ---- bounds

TEST_F(TrackerTest, OnlySoManyAreOpenAtOnce) {
  TrackerOptions options;
  options.max_open = 4;
  begin_session(Counts::kUtf16, false, options);
  open("|");
  for (int i = 0; i < 10; ++i) offer("text" + std::to_string(i));
  EXPECT_EQ(tracker->counters().displaced_suggestions, 6u);
  end_session();
  EXPECT_THAT(all<Outcome>(), SizeIs(10));
}

TEST_F(TrackerTest, DocumentsBeyondTheLimitAreNotFollowed) {
  TrackerOptions options;
  options.max_document_bytes = 10;
  begin_session(Counts::kUtf16, false, options);
  open("a long enough text|");
  offer("x");
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(tracker->counters().refused_documents, 1u);
}

TEST_F(TrackerTest, NamesAreUniqueAndCarryThePrefix) {
  TrackerOptions options;
  options.id_prefix = "run7-";
  begin_session(Counts::kUtf16, false, options);
  open("|");
  offer("a");
  offer("b");
  std::vector<std::string> ids;
  for (const Event& event : events)
    if (std::holds_alternative<Offered>(event.body)) ids.push_back(event.suggestion);
  EXPECT_THAT(ids, ElementsAre("run7-1", "run7-2"));
}

TEST_F(TrackerTest, AnAnswerSeenBeforeItsRequestIsMatched) {
  open("x = |;");
  server({{"id", 500}, {"result", {{"items", {{{"insertText", "width"}}}}}}});
  client({{"id", 500},
          {"method", "textDocument/inlineCompletion"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(cursor)}}}});
  EXPECT_THAT(all<Offered>(), SizeIs(1));
}

TEST_F(TrackerTest, StringIdsAreNotNumbers) {
  open("x = |;");
  client({{"id", "5"},
          {"method", "textDocument/inlineCompletion"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(cursor)}}}});
  server({{"id", 5}, {"result", {{{"insertText", "width"}}}}});
  EXPECT_THAT(events, IsEmpty());
  server({{"id", "5"}, {"result", {{{"insertText", "width"}}}}});
  EXPECT_THAT(all<Offered>(), SizeIs(1));
}

// ---- who made it

TEST_F(TrackerTest, AServerWithoutANameIsCalledByItsCommand) {
  TrackerOptions options;
  options.server_name = "pyright-langserver";
  tracker.emplace(options);
  client({{"id", 0}, {"method", "initialize"}, {"params", json::object()}});
  server({{"id", 0}, {"result", {{"capabilities", json::object()}}}});
  open("x = |;");
  offer("width");
  EXPECT_EQ(events.front().server, "pyright-langserver");
}

TEST_F(TrackerTest, BeforeItHasSaidAnythingAServerIsCalledByItsCommandToo) {
  TrackerOptions options;
  options.server_name = "clangd";
  tracker.emplace(options);
  open("x = |;");
  offer("width");
  EXPECT_EQ(events.front().server, "clangd");
}

TEST_F(TrackerTest, TheServersOwnNameGoesBeforeThatOfItsCommand) {
  TrackerOptions options;
  options.server_name = "node";
  begin_session(Counts::kUtf16, false, options);
  open("x = |;");
  offer("width");
  EXPECT_EQ(events.front().server, "scripted");
}

}  // namespace
}  // namespace strop::agent::test
