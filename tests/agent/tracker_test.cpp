// What the tracker makes of looking away, of words and of losses, one behaviour a test.
#include "agent/tracker_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

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
