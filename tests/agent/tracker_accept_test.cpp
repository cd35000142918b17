// What the tracker makes of offers and accepts, one behaviour a test.
#include "agent/tracker_fixture.h"

namespace strop::agent::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- offered and shown

TEST_F(TrackerTest, OffersTellPlacePromptAndCandidates) {
  open("int a;\nint b = w|;\nint c;\n");
  wait_ms(50);
  const int id = ask();
  wait_ms(120);
  answer(id, {{"width", 1, {}}, {"weight", 1, {}}});
  ASSERT_THAT(all<Offered>(), SizeIs(1));
  const Offered offered = all<Offered>()[0];
  EXPECT_EQ(offered.position, (schema::TextPosition{1, 9}));
  EXPECT_THAT(offered.candidates, ElementsAre(schema::Candidate{"width", "w", 0, {}},
                                              schema::Candidate{"weight", "w", 1, {}}));
  EXPECT_EQ(offered.prefix, "int a;\nint b = w");
  EXPECT_EQ(offered.suffix, ";\nint c;\n");
  EXPECT_EQ(offered.prompt, schema::PromptKind::kRebuilt);
  EXPECT_DOUBLE_EQ(offered.latency_ms, 120);
  EXPECT_EQ(events[0].server, "scripted");
  EXPECT_EQ(events[0].language, "cpp");
  EXPECT_EQ(events[0].uri, uri);
  EXPECT_EQ(events[0].dialect, "lsp-inline");
  EXPECT_EQ(all<Shown>(), std::vector<Shown>{Shown{schema::Presence::kPresumed}});
}

TEST_F(TrackerTest, PromptsAreBoundedAndTrimmedAtALine) {
  std::string before;
  for (int i = 0; before.size() < 20'000; ++i) before += "line " + std::to_string(i) + "\n";
  open(before + "x|" + before);
  offer("y");
  const Offered offered = all<Offered>()[0];
  EXPECT_LE(offered.prefix.size(), 8u << 10);
  EXPECT_GT(offered.prefix.size(), 8'000u);
  EXPECT_EQ(offered.prefix.substr(0, 5), "line ");
  EXPECT_LE(offered.suffix.size(), 4u << 10);
  EXPECT_GT(offered.suffix.size(), 4'000u);
  EXPECT_EQ(offered.suffix.back(), '\n');
}

TEST_F(TrackerTest, ProviderNotesMakeThePromptExact) {
  open("int x = |;");
  const int id = ask();
  ProviderNote note;
  note.model = "strop-tiny";
  note.prompt_hash = "abc";
  note.arm = "b";
  note.logprobs = {-0.5};
  note.latency_ms = 7;
  tracker->note_provider(std::to_string(id), note);
  answer(id, {{"42", 0, {}}});
  const Offered offered = all<Offered>()[0];
  EXPECT_EQ(offered.prompt, schema::PromptKind::kExact);
  EXPECT_EQ(offered.prompt_hash, "abc");
  EXPECT_EQ(offered.model, "strop-tiny");
  EXPECT_EQ(offered.arm, "b");
  EXPECT_EQ(offered.candidates[0].logprob, -0.5);
  EXPECT_DOUBLE_EQ(offered.latency_ms, 7);
  EXPECT_EQ(events[0].server, "strop");
}

TEST_F(TrackerTest, APropensityIsOfTheSuggestionOrOfTheCandidatesThatHaveIt) {
  open("int x = |;");
  const auto offered = [this](std::vector<std::optional<double>> propensities) {
    const int id = ask();
    ProviderNote note;
    note.propensities = std::move(propensities);
    tracker->note_provider(std::to_string(id), note);
    // Of another text each time: no suggestion is offered twice.
    answer(id, {{"1" + std::to_string(id), 0, {}}, {"2" + std::to_string(id), 0, {}}});
    return all<Offered>().back();
  };
  const Offered both = offered({0.05, 0.05});
  EXPECT_EQ(both.propensity, 0.05);
  EXPECT_EQ(both.candidates[0].propensity, std::nullopt);
  const Offered one = offered({0.05, {}});
  EXPECT_EQ(one.propensity, std::nullopt);
  EXPECT_EQ(one.candidates[0].propensity, 0.05);
  EXPECT_EQ(one.candidates[1].propensity, std::nullopt);
}

TEST_F(TrackerTest, AnEmptyAnswerOffersNothing) {
  open("int x = |;");
  offer_items({});
  offer("");
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrackerTest, WhatDoesNotBeginWithTheReplacedTextIsNotShown) {
  open("w|;");
  offer_items({{"return w;", 1, {}}});
  EXPECT_THAT(all<Shown>(), IsEmpty());
  wait_ms(2'000);
  type(".x");
  expect("unseen");
}

TEST_F(TrackerTest, WhatIsThereAlreadyIsNotShown) {
  open("width|;");
  offer_items({{"width", 5, {}}});
  EXPECT_THAT(all<Shown>(), IsEmpty());
  wait_ms(2'000);
  close();
  expect("unseen");
}

TEST_F(TrackerTest, AnAnswerThatTheDocumentOutranIsNotShown) {
  open("int x = |;");
  const int id = ask();
  type("z");
  answer(id, {{"42", 0, {}}});
  EXPECT_THAT(all<Shown>(), IsEmpty());
  expect("unseen");
}

TEST_F(TrackerTest, OutrunButOfferedAgainIsOneSuggestion) {
  open("int x = |;");
  const int id = ask();
  type("w");
  answer(id, {{"width", 0, {}}});
  offer("idth");
  EXPECT_THAT(all<Offered>(), SizeIs(1));
  EXPECT_THAT(all<Shown>(), SizeIs(1));
  wait_ms(600);
  type("idth");
  expect("typed_through by state 'width'");
}

TEST_F(TrackerTest, ACancelledAnswerIsNotShown) {
  open("int x = |;");
  const int id = ask();
  tell("$/cancelRequest", {{"id", id}});
  answer(id, {{"42", 0, {}}});
  EXPECT_THAT(all<Shown>(), IsEmpty());
}

// ---- accepted

TEST_F(TrackerTest, ACommandIsTheBestEvidence) {
  open("int x = |;");
  offer_items({{"42 + 1", 0, command(1)}});
  wait_ms(200);
  tab();
  EXPECT_THAT(outcomes(), ElementsAre("accepted by command '42 + 1'"));
  const Outcome outcome = all<Outcome>()[0];
  EXPECT_GT(outcome.confidence, 0.95);
  EXPECT_EQ(outcome.accepted_chars, 6);
  EXPECT_DOUBLE_EQ(outcome.display_ms, 200);
}

TEST_F(TrackerTest, AWrappedCommandNamesRequestAndItem) {
  TrackerOptions options;
  options.accept_command = "strop.accept.1";
  begin_session(Counts::kUtf16, false, options);
  open("int x = |;");
  const int id = ask();
  answer(id, {{"41", 0, {}}, {"42", 0, {}}});
  wait_ms(50);
  apply(1);
  client({{"id", 99},
          {"method", "workspace/executeCommand"},
          {"params",
           {{"command", "strop.accept.1"},
            {"arguments", {{{"request", id}, {"item", 1}}, nullptr}}}}});
  EXPECT_THAT(outcomes(), ElementsAre("accepted by command '42'"));
  EXPECT_EQ(all<Outcome>()[0].candidate, 1);
}

TEST_F(TrackerTest, TheTextAloneTellsAnAccept) {
  open("int x = |;");
  offer("compute(1)");
  wait_ms(100);
  apply();
  EXPECT_THAT(outcomes(), IsEmpty()) << "the command may still come";
  expect("accepted by state 'compute(1)'");
}

TEST_F(TrackerTest, TheCandidateInTheDocumentIsTheAcceptedOne) {
  open("int x = |;");
  offer_items({{"first()", 0, {}}, {"second()", 0, {}}});
  wait_ms(100);
  apply(1);
  expect("accepted by state 'second()'");
  EXPECT_EQ(all<Outcome>()[0].candidate, 1);
}

TEST_F(TrackerTest, AcceptShapeReplacesTheRange) {
  open("x = co|;");
  offer_items({{"compute(1)", 2, {}}});
  wait_ms(100);
  apply();
  expect("accepted by state 'compute(1)'");
}

TEST_F(TrackerTest, AcceptShapeInsertsTheRemainder) {
  open("x = co|;");
  offer_items({{"compute(1)", 2, {}}});
  wait_ms(100);
  insert("mpute(1)");
  expect("accepted by state 'compute(1)'");
}

TEST_F(TrackerTest, AcceptShapeDeletesThenInserts) {
  open("x = co|;");
  offer_items({{"compute(1)", 2, {}}});
  wait_ms(100);
  change({{4, 6, ""}, {4, 4, "compute(1)"}});
  expect("accepted by state 'compute(1)'");
}

TEST_F(TrackerTest, AcceptShapeOfSingleCharacters) {
  open("x = co|;");
  offer_items({{"comp", 2, {}}});
  wait_ms(100);
  // Neovim 0.7: the typed text goes and comes again, letter by letter, and the next key as well.
  change({{5, 6, ""}, {4, 5, ""}, {4, 4, "c"}, {5, 5, "o"}, {6, 6, "m"}, {7, 7, "p"}, {8, 8, "("}});
  expect("accepted by state 'comp'");
}

TEST_F(TrackerTest, AcceptShapeOfSixNotifications) {
  open("width = 1; x = wi|\n");
  offer_items({{"width", 2, {}}});
  wait_ms(600);
  const std::size_t begin = cursor - 2;
  for (const std::string with : {"", "width", "", "wi", "", "width"}) {
    edit(begin, cursor, with);
    wait_ms(2);
  }
  expect("accepted by state 'width'");
  wait_ms(400'000);
  EXPECT_EQ(settled().text, "width");
  EXPECT_EQ(settled().kept_chars, 5);
  EXPECT_THAT(settled().flags, IsEmpty());
}

TEST_F(TrackerTest, WhatAnEditorRewritesIsNobodyElsesAccept) {
  open("x = wi|\n");
  offer_items({{"width", 2, {}}, {"window", 2, {}}});
  wait_ms(600);
  offer_items({{"window", 2, {}}});
  wait_ms(600);
  const std::size_t begin = cursor - 2;
  for (const std::string with : {"", "window", "", "wi", "", "window"}) {
    edit(begin, cursor, with);
    wait_ms(2);
  }
  wait_ms(5'000);
  EXPECT_THAT(outcomes(),
              testing::UnorderedElementsAre("ignored/superseded", "accepted by state 'window'"));
}

TEST_F(TrackerTest, ManySingleCharactersAtOnceAreNoFingers) {
  open("x = |\n");
  offer("width * height");
  wait_ms(600);
  std::vector<Change> changes;
  const std::string all = "width * height;";  // and the next key
  for (std::size_t i = 0; i < all.size(); ++i)
    changes.push_back({cursor + i, cursor + i, all.substr(i, 1)});
  change(changes);
  expect("accepted by state 'width * height'");
}

TEST_F(TrackerTest, KeysThatAClientBundlesAreTyping) {
  open("x = |\n");
  offer("width * height");
  wait_ms(600);
  for (const std::string keys : {"width", " * he", "igh"}) {
    wait_ms(400);
    std::vector<Change> changes;
    for (std::size_t i = 0; i < keys.size(); ++i)
      changes.push_back({cursor + i, cursor + i, keys.substr(i, 1)});
    change(changes);
  }
  wait_ms(100);
  insert("t");
  expect("typed_through by state 'width * height'");
}

TEST_F(TrackerTest, AFewCharactersAtOnceMayBeEither) {
  open("x = |\n");
  offer("if");
  wait_ms(600);
  change({{cursor, cursor, "i"}, {cursor + 1, cursor + 1, "f"}});
  expect("unknown");
}

TEST_F(TrackerTest, AnotherAssistantsTextIsNoVerdictOnTheSuggestion) {
  open("x = |\n");
  offer("width * height");
  wait_ms(900);
  insert("compute(everything, at_once)");
  expect("ignored/superseded");
  wait_ms(400'000);
  EXPECT_THAT(settled().flags, testing::Contains("foreign"));
}

TEST_F(TrackerTest, AcceptInADocumentOfWindowsLines) {
  open("if (a)\r\n  |\r\n");
  offer("b();\nc();");
  EXPECT_EQ(all<Offered>()[0].candidates[0].text, "b();\r\nc();");
  wait_ms(100);
  insert("b();\r\nc();");
  expect("accepted by state 'b();\r\nc();'");
}

TEST_F(TrackerTest, AnAcceptBeforeTheTextComesIsBelieved) {
  open("int x = |;");
  offer_items({{"42 + 1", 0, command(7)}});
  wait_ms(300);
  client({{"id", 50}, {"method", "workspace/executeCommand"}, {"params", command(7)}});
  wait_ms(20);
  EXPECT_THAT(outcomes(), IsEmpty());
  apply();
  expect("accepted by command '42 + 1'");
  close();
  EXPECT_EQ(settled().text, "42 + 1");
}

TEST_F(TrackerTest, ACommandThatComesLateCorrects) {
  open("int x = |;\nint y;");
  offer_items({{"42", 0, command(1)}});
  wait_ms(700);
  edit_elsewhere("int y", "int yy");
  expect("ignored/moved_away");
  client({{"id", 50}, {"method", "workspace/executeCommand"}, {"params", command(1)}});
  expect("ignored/moved_away", "accepted by command '42' instead of ignored");
}

TEST_F(TrackerTest, CommandsOfOthersMeanNothing) {
  open("int x = |;");
  offer_items({{"42", 0, command(1)}});
  client({{"id", 50}, {"method", "workspace/executeCommand"}, {"params", command(2)}});
  client({{"id", 51}, {"method", "workspace/executeCommand"}, {"params", {{"command", "fix"}}}});
  expect();
}

TEST_F(TrackerTest, OneAcceptIsOneOutcome) {
  open("int x = |;");
  offer_items({{"42 + 1", 0, command(1)}});
  wait_ms(100);
  tab();
  client({{"id", 50}, {"method", "workspace/executeCommand"}, {"params", command(1)}});
  wait_ms(1'000);
  client({{"id", 51}, {"method", "workspace/executeCommand"}, {"params", command(1)}});
  expect("accepted by command '42 + 1'");
}

TEST_F(TrackerTest, TheShownOneOfTwoThatTheTextCompletesIsAccepted) {
  open("x = |;");
  offer("first_call(1)");
  wait_ms(600);
  type("f");
  offer("un()");  // another offer: the first is off the screen
  wait_ms(600);
  type("i");
  offer("rst_call(1)");
  wait_ms(600);
  apply();
  expect_in_any_order("ignored/superseded", "dismissed/typed_over",
                      "accepted by state 'rst_call(1)'");
}

TEST_F(TrackerTest, APartOfTheShownOneIsNotTheWholeOfTheOneBefore) {
  open("  |\n");
  offer("attr = true");
  wait_ms(600);
  type("attr = ");
  offer("true\n  if (code)");
  wait_ms(700);
  insert("true");
  wait_ms(100);
  insert("x");
  expect_in_any_order("ignored/superseded", "partial by state 'true'");
}

TEST_F(TrackerTest, WhatAnotherAnswerReplacedIsNotCompletedLater) {
  open("|\n");
  offer("mplate <typename Predicate>");
  wait_ms(600);
  type("mplate <type");
  offer("name buffer>");
  wait_ms(100);
  type("name ");
  wait_ms(300);
  insert("Predicate>");
  wait_ms(5'000);
  for (const Outcome& outcome : all<Outcome>()) EXPECT_NE(outcome.outcome, OutcomeKind::kAccepted);
}

// Before it is known how this client types, characters in one notification may be either.
TEST_F(TrackerTest, AnotherCandidateInCharactersAtTheStartOfASessionIsUnknown) {
  open("|\n");
  offer_items({{"handler", 0, {}}, {"end", 0, {}}});
  wait_ms(900);
  change({{0, 0, "e"}, {1, 1, "n"}, {2, 2, "d"}});
  expect("unknown");
}

}  // namespace
}  // namespace strop::agent::test
