// What the tracker makes of popup completion lists, one behaviour a test.
#include "agent/popup_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(PopupTest, OffersTheFirstTwentyAsTheEditorListsThem) {
  open("w.|;");
  json items = json::array();
  for (int i = 0; i < 30; ++i)
    items.push_back({{"label", "item" + std::to_string(i)}, {"sortText", std::to_string(99 - i)}});
  offer_list(items);
  const Offered offered = all<Offered>()[0];
  ASSERT_THAT(offered.candidates, SizeIs(20));
  EXPECT_EQ(offered.candidates[0], (schema::Candidate{"item29", "", 0, {}}));
  EXPECT_EQ(events[0].source, schema::Source::kPopup);
  EXPECT_EQ(events[0].dialect, "lsp-completion");
}

TEST_F(PopupTest, TheWordBeforeTheCursorIsReplaced) {
  open("w.co|;");
  offer_list(labels({"compute", "count"}));
  EXPECT_EQ(all<Offered>()[0].candidates[0].replaces, "co");
  wait_ms(200);
  edit(2, 4, "compute");
  expect("accepted by state 'compute'");
}

TEST_F(PopupTest, ItemsBeyondTheTwentiethCanBeAccepted) {
  open("w.|;");
  std::vector<std::string> names;
  for (int i = 10; i < 50; ++i) names.push_back("item" + std::to_string(i));
  offer_list(labels(names));
  wait_ms(200);
  insert("item44");
  expect("accepted by state 'item44'");
  EXPECT_EQ(all<Outcome>()[0].candidate, 34);
}

TEST_F(PopupTest, TypingOnNarrowsTheSameList) {
  open("w.|;");
  offer_list(labels({"compute", "count"}));
  type("cou");
  wait_ms(200);
  edit(2, 5, "count");
  expect("accepted by state 'count'");
}

TEST_F(PopupTest, ATextEditsRangeIsReplaced) {
  open("a-b|;");
  offer_list({{{"label", "x"}, {"textEdit", {{"range", range(0, 3)}, {"newText", "a-b-c"}}}}});
  EXPECT_EQ(all<Offered>()[0].candidates[0].replaces, "a-b");
  wait_ms(200);
  edit(0, 3, "a-b-c");
  expect("accepted by state 'a-b-c'");
}

TEST_F(PopupTest, InsertOrReplaceEitherIsAnAccept) {
  for (const bool replaces : {false, true}) {
    begin_session();
    events.clear();
    open("com|mon;");
    offer_list({{{"label", "compute"},
                 {"textEdit",
                  {{"newText", "compute"}, {"insert", range(0, 3)}, {"replace", range(0, 6)}}}}});
    wait_ms(200);
    edit(0, replaces ? 6 : 3, "compute");
    wait_ms(5'000);
    EXPECT_THAT(outcomes(), ElementsAre("accepted by state 'compute'"));
    EXPECT_EQ(text, replaces ? "compute;" : "computemon;");
  }
}

TEST_F(PopupTest, DefaultsOfTheListApply) {
  open("x.ab|;");
  offer_list({{{"label", "abc"}, {"textEditText", "abc($1)"}}},
             {{"editRange", range(2, 4)}, {"insertTextFormat", 2}});
  EXPECT_EQ(all<Offered>()[0].candidates[0], (schema::Candidate{"abc()", "ab", 0, {}}));
  wait_ms(200);
  edit(2, 4, "abc()");
  expect("accepted by state 'abc()'");
}

TEST_F(PopupTest, SnippetsAreExpanded) {
  open("w.comp|;");
  offer_list({{{"label", "compute"},
               {"insertText", "compute(${1:double width}, ${2|a,b|})$0"},
               {"insertTextFormat", 2}}});
  wait_ms(200);
  edit(2, 6, "compute(double width, a)");
  expect("accepted by state 'compute(double width, a)'");
}

TEST_F(PopupTest, FurtherLinesMayBeIndented) {
  open("if (x)\n    fo|\n");
  offer_list({{{"label", "for"}, {"insertText", "for (;;) {\n  $0\n}"}, {"insertTextFormat", 2}}});
  wait_ms(200);
  edit(11, 13, "for (;;) {\n      \n    }");
  wait_ms(5'000);
  ASSERT_THAT(outcomes(), SizeIs(1));
  EXPECT_EQ(all<Outcome>()[0].outcome, OutcomeKind::kAccepted);
}

TEST_F(PopupTest, AnImportAboveComesWithTheAccept) {
  open("import a\nb.co|\n");
  offer_list({{{"label", "compute"},
               {"additionalTextEdits", {{{"range", range(0, 0)}, {"newText", "import b\n"}}}}}});
  wait_ms(200);
  change({{11, 13, "compute"}, {0, 0, "import b\n"}});
  expect("accepted by state 'compute'");
}

TEST_F(PopupTest, AnImportThatComesFirstAsWell) {
  open("import a\nb.co|\n");
  offer_list(labels({"compute"}));
  wait_ms(200);
  change({{0, 0, "import b\n"}});
  change({{20, 22, "compute"}});
  expect("accepted by state 'compute'");
}

TEST_F(PopupTest, TypedOverIsNoReject) {
  open("w.|;");
  offer_list(labels({"count"}));
  wait_ms(600);
  type("xyz = 5");
  expect("ignored/moved_away");
}

TEST_F(PopupTest, AnotherListSupersedes) {
  open("w.|;");
  offer_list(labels({"count"}));
  wait_ms(600);
  offer_list(labels({"other"}));
  expect("ignored/superseded");
}

TEST_F(PopupTest, TheSameListAgainIsTheSame) {
  open("w.|;");
  offer_list(labels({"count"}));
  wait_ms(600);
  offer_list(labels({"count"}));
  EXPECT_THAT(all<Offered>(), SizeIs(1));
}

TEST_F(PopupTest, GoneAtOnceIsUnseen) {
  open("w.|;");
  offer_list(labels({"count"}));
  wait_ms(100);
  close();
  EXPECT_THAT(outcomes(), ElementsAre("unseen"));
}

TEST_F(PopupTest, TextFromElsewhereIsNoAccept) {
  open("w.comp|;");
  offer_list(labels({"compute_area"}));
  wait_ms(600);
  edit(0, 6, "return 1");
  expect("ignored/moved_away");
}

TEST_F(PopupTest, AcceptThenMendStaysAnAccept) {
  open("order.to|\n");
  offer_list(labels({"total_price"}));
  edit(6, 8, "total_price");
  wait_ms(300);
  edit(12, 17, "cost");
  expect("accepted by state 'total_price'");
  close();
  EXPECT_EQ(settled().text, "total_cost");
}

TEST_F(PopupTest, TabbyTellsASelection) {
  open("x = |;");
  offer_list({{{"label", "width"},
               {"insertText", "width * 2"},
               {"data", {{"eventId", {{"completionId", "c1"}, {"choiceIndex", 0}}}}}}});
  insert("width * 2");
  tell("tabby/telemetry/event",
       {{"type", "select"}, {"eventId", {{"completionId", "c1"}, {"choiceIndex", 0}}}});
  expect("accepted by editor 'width * 2'");
  EXPECT_EQ(events[0].dialect, "tabby");
}

TEST_F(PopupTest, TabbyTellsADismissal) {
  open("x = |;");
  offer_list({{{"label", "width"},
               {"data", {{"eventId", {{"completionId", "c1"}, {"choiceIndex", 0}}}}}}});
  tell("tabby/telemetry/event",
       {{"type", "dismiss"}, {"eventId", {{"completionId", "c1"}, {"choiceIndex", 0}}}});
  expect("dismissed/explicit");
}

TEST_F(PopupTest, AnAcceptedGhostTextLeavesTheListASibling) {
  open("w.|;");
  offer_list(labels({"compute"}));
  offer_items({{"count + 1", 0, command(1)}});
  wait_ms(700);
  tab();
  expect_in_any_order("accepted by command 'count + 1'", "ignored/sibling");
}

TEST_F(PopupTest, WithTheSameTextInBothTheCommandDecides) {
  open("w.|;");
  offer_list(labels({"compute"}));
  offer_items({{"compute", 0, command(1)}});
  wait_ms(700);
  tab();
  expect_in_any_order("accepted by command 'compute'", "ignored/sibling");
}

TEST_F(PopupTest, WithTheSameTextInBothAndNoCommandTheListHasIt) {
  open("w.|;");
  offer_list(labels({"compute"}));
  offer_items({{"compute", 0, command(1)}});
  wait_ms(700);
  apply();
  expect_in_any_order("accepted by state 'compute'", "ignored/sibling");
  EXPECT_EQ(all<Outcome>().size(), 2u);
}

TEST_F(PopupTest, ErrorsAndCancellationsOfferNothing) {
  open("w.|;");
  client({{"id", 800},
          {"method", "textDocument/completion"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", position(cursor)}}}});
  tell("$/cancelRequest", {{"id", 800}});
  server({{"id", 800}, {"error", {{"code", -32800}, {"message", "request cancelled"}}}});
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(PopupTest, AskedForAgainAsTheWordIsTypedOneHasTheItem) {
  open("w.display_|;");
  offer_list(labels({"display_name", "display_order"}));
  wait_ms(600);
  type("o");
  offer_list(labels({"display_order"}));
  wait_ms(200);
  edit(2, 11, "display_order");
  expect_in_any_order("accepted by state 'display_order'", "ignored/superseded");
  EXPECT_EQ(events.back().suggestion, all<Offered>().size() == 2 ? "s2" : "");
}

TEST_F(PopupTest, ANewListLeavesWhatWasTakenFromTheOldOne) {
  open("w.di|;");
  offer_list(labels({"display", "display_name"}));
  wait_ms(600);
  edit(2, 4, "display");
  offer_list(labels({"display", "display_name"}));
  wait_ms(900);
  edit(2, 9, "display_name");
  expect("accepted by state 'display'", "accepted by state 'display_name'");
}

TEST_F(PopupTest, ANewListEndsAnOlderAcceptAtOnce) {
  open("w.co|;");
  offer_list(labels({"compute"}));
  wait_ms(200);
  edit(2, 4, "compute");
  wait_ms(400);  // more than one accept takes, less than after which what is there stays
  EXPECT_THAT(outcomes(), IsEmpty());
  offer_list(labels({"other"}));
  EXPECT_THAT(outcomes(), ElementsAre("accepted by state 'compute'"));
}

TEST_F(PopupTest, AListOfWhichNothingFitsIsGone) {
  open("w.|;");
  offer_list({{{"label", "compute (int)"}, {"filterText", "compute"}, {"insertText", "compute"}}});
  type("cmx");
  type("y");
  wait_ms(900);
  EXPECT_THAT(outcomes(), ElementsAre("unseen")) << "shown for 300 ms";
}

TEST_F(PopupTest, AnEmptyAnswerTakesTheListAway) {
  open("w.|;");
  offer_list(labels({"compute"}));
  wait_ms(200);
  offer_list(json::array());
  wait_ms(2'000);
  EXPECT_THAT(outcomes(), ElementsAre("unseen"));
}

TEST_F(PopupTest, ASigilIsReplacedOnlyByATextThatHasIt) {
  for (const bool sigil : {false, true}) {
    begin_session();
    events.clear();
    open("if ($fi|)");
    offer_list(labels({sigil ? "$filename" : "filename"}));
    EXPECT_EQ(all<Offered>()[0].candidates[0].replaces, sigil ? "$fi" : "fi");
    type("l");
    wait_ms(200);
    edit(sigil ? 4 : 5, 8, sigil ? "$filename" : "filename");
    expect(sigil ? "accepted by state '$filename'" : "accepted by state 'filename'");
  }
}

TEST_F(PopupTest, AnEmptyAnswerThatComesLateTakesNoListAway) {
  open("w.|;");
  offer_list(labels({"compute"}));
  wait_ms(700);
  client({{"id", 901},
          {"method", "textDocument/completion"},
          {"params", {{"textDocument", {{"uri", uri}}}, {"position", range(2, 2)["start"]}}}});
  type("c");
  server({{"id", 901}, {"result", json::array()}});
  wait_ms(700);
  edit(2, 3, "compute");
  expect("accepted by state 'compute'");
}

TEST_F(PopupTest, AnAcceptToldBeforeItsTextIsNotTheLists) {
  open("w.|;");
  offer_list(labels({"compute"}));
  offer_items({{"compute", 0, command(1)}});
  wait_ms(700);
  client({{"id", 90}, {"method", "workspace/executeCommand"}, {"params", command(1)}});
  wait_ms(50);
  apply();
  expect_in_any_order("accepted by command 'compute'", "ignored/sibling");
}

}  // namespace
}  // namespace strop::agent::test
