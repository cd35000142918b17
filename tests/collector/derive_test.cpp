// From lives to pairs: what makes one, what it says, and why the rest make none.
#include "collector/pairs/derive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "collector/life.h"
#include "collector/quality/epsilon.h"

namespace strop::collector {
namespace {

using schema::Evidence;
using schema::How;
using schema::OutcomeKind;
using testing::ElementsAre;
using testing::IsEmpty;

Derivation derive(const Life& life, const PairOptions& options = {}) {
  return derive_pairs(life.history(), options);
}

// kind: chosen > rejected
std::vector<std::string> told(const Derivation& derived) {
  std::vector<std::string> out;
  for (const schema::PreferencePair& pair : derived.pairs)
    out.push_back(pair.kind + ": " + pair.chosen + " > " + pair.rejected);
  return out;
}

// kind: + or - and the text
std::vector<std::string> examples(const Derivation& derived) {
  std::vector<std::string> out;
  for (const schema::UnpairedExample& example : derived.examples)
    out.push_back(example.about.kind + (example.label ? ": +" : ": -") + example.completion);
  return out;
}

TEST(Derive, AMendedAcceptIsAnEditedPair) {
  const auto derived = derive(Life().offered({"x + y"}).accepted().settled("x - y"));
  ASSERT_THAT(told(derived), ElementsAre("edited: x - y > x + y"));
  EXPECT_THAT(derived.discards, IsEmpty());
  EXPECT_THAT(derived.examples, IsEmpty());
}

TEST(Derive, APairSaysWhereItComesFrom) {
  schema::PreferencePair expected;
  expected.id = "session:s1:0";
  expected.language = "python";
  expected.repo = "repo-1";
  expected.path_ext = ".py";
  expected.prefix = "def f(x, y):\n    return ";
  expected.suffix = "\n";
  expected.chosen = "x - y";
  expected.rejected = "x + y";
  expected.kind = "edited";
  expected.epsilon = either(outcome_epsilon(Evidence::kCommand, 0.99), kind_epsilon("edited"));
  expected.contributor = "c7";
  expected.model = "m";
  expected.t = 1000;
  expected.events = {"e:1", "e:2", "e:3"};
  const auto derived = derive(
      Life().by("c7").in_repository("repo-1").offered({"x + y"}).accepted().settled("x - y"));
  EXPECT_THAT(derived.pairs, ElementsAre(expected));
}

TEST(Derive, WhatIsTypedInsteadIsPreferredToWhatWasTypedOver) {
  for (const How how : {How::kTypedOver, How::kExplicit, How::kDeleted}) {
    const auto derived = derive(Life().offered({"x + y"}).dismissed(how).settled("max(x, y)"));
    EXPECT_THAT(told(derived), ElementsAre("typed_instead: max(x, y) > x + y"));
    EXPECT_THAT(examples(derived), ElementsAre("dismissed: -x + y"));
  }
}

TEST(Derive, TheCandidateTakenIsPreferredToItsSiblings) {
  const auto derived =
      derive(Life().offered({"x + y", "x * y", "min(x, y)"}).accepted(1).settled("x * y"));
  EXPECT_THAT(told(derived), ElementsAre("sibling: x * y > x + y", "sibling: x * y > min(x, y)"));
  EXPECT_THAT(derived.discards, ElementsAre("kept_as_is"));
  EXPECT_THAT(examples(derived), ElementsAre("accepted: +x * y"));
}

TEST(Derive, ItemsOfAPopupWereNeverTurnedDown) {
  const auto derived = derive(Life()
                                  .from("pylsp", schema::Source::kPopup)
                                  .offered({"alpha", "beta"})
                                  .accepted()
                                  .settled("alpha"));
  EXPECT_THAT(derived.pairs, IsEmpty());
}

TEST(Derive, TypingThroughIsWantedButNoPair) {
  const auto derived = derive(Life().offered({"x + y"}).typed_through().settled("x + y"));
  EXPECT_THAT(derived.pairs, IsEmpty());
  EXPECT_THAT(derived.discards, ElementsAre("typed_through"));
  EXPECT_THAT(examples(derived), ElementsAre("typed_through: +x + y"));
}

// What is written behind a part that was accepted is not in the events: only the part speaks.
TEST(Derive, OfAPartialAcceptOnlyThePartCounts) {
  const auto kept = derive(Life().offered({"alpha(beta)"}).partly("alpha").settled("alpha"));
  EXPECT_THAT(kept.pairs, IsEmpty());
  EXPECT_THAT(kept.discards, ElementsAre("kept_as_is"));
  EXPECT_THAT(examples(kept), ElementsAre("partial: +alpha"));
  const auto mended =
      derive(Life().offered({"alpha(beta, gamma)"}).partly("alpha(beta").settled("alpha(delta"));
  EXPECT_THAT(told(mended), ElementsAre("edited: alpha(delta > alpha(beta"));
}

TEST(Derive, ALaterOutcomeReplacesTheOneItCorrects) {
  const auto derived = derive(Life()
                                  .offered({"x + y"})
                                  .accepted()
                                  .dismissed(How::kDeleted)
                                  .corrects("accepted")
                                  .settled("max(x, y)"));
  EXPECT_THAT(told(derived), ElementsAre("typed_instead: max(x, y) > x + y"));
}

struct Discarded {
  std::string reason;
  Life life;
};

TEST(Derive, EveryDiscardHasItsReason) {
  const std::string password = std::string("S3!") + "kq9Zr4Wm2x";
  const Discarded table[] = {
      {"no_offer", Life().ended(OutcomeKind::kAccepted)},
      {"no_outcome", Life().offered({"x + y"})},
      {"unknown", Life().offered({"x + y"}).ended(OutcomeKind::kUnknown)},
      {"unseen", Life().offered({"x + y"}).ended(OutcomeKind::kUnseen)},
      {"ignored", Life().offered({"x + y"}).ended(OutcomeKind::kIgnored)},
      {"metrics_only", Life().offered({""}).accepted().settled("")},
      {"metrics_only", Life().offered({}).dismissed().settled("")},
      {"other_vendor",
       Life().from("GitHub Copilot Language Server").offered({"x"}).accepted().settled("y")},
      {"unknown_server", Life().from("").offered({"x"}).accepted().settled("y")},
      {"unknown_server", Life().from(" ").offered({"x"}).typed_through().settled("x")},
      // A completion model may answer popups as well.
      {"unknown_server",
       Life().from("", schema::Source::kPopup).offered({"x"}).accepted().settled("y")},
      {"unsettled", Life().offered({"x + y"}).accepted()},
      {"unsettled", Life().offered({"x + y"}).accepted().settled("x - y", {}, false)},
      {"foreign", Life().offered({"x + y"}).accepted().settled("x - y", {"foreign", "paste"})},
      {"paste", Life().offered({"x + y"}).dismissed().settled("x - y", {"paste"})},
      {"undo", Life().offered({"x + y"}).accepted().settled("x - y", {"undo"})},
      {"formatter", Life().offered({"x + y"}).accepted().settled("x - y", {"formatter"})},
      {"branch_switch", Life().offered({"x + y"}).accepted().settled("x - y", {"branch_switch"})},
      {"kept_as_is", Life().offered({"x + y"}).accepted().settled("x + y")},
      {"same", Life().offered({"x + y"}).dismissed().settled("x + y")},
      {"empty", Life().offered({"x + y"}).accepted().settled(" \n")},
      {"whitespace_only", Life().offered({"x + y"}).accepted().settled("x+y")},
      {"length_only", Life().offered({"x + y"}).accepted().settled("x + y + z")},
      {"length_only", Life().offered({"x + y"}).accepted().settled("x")},
      {"too_near", Life()
                       .offered({"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]"})
                       .accepted()
                       .settled("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]")},
      {"too_far", Life().offered({"x + y"}).accepted().settled("print 7")},
      {"too_long",
       Life().offered({std::string(5000, 'x')}).accepted().settled(std::string(5000, 'y'))},
      {"secret",
       Life().offered({"password = '" + password + "'"}).dismissed().settled("password = load()")},
      {"secret", Life()
                     .after("password = ")
                     .offered({"'" + password + "'"})
                     .dismissed()
                     .settled("load(name)")},
      {"secret", Life().offered({"f('«REDACTED:password»')"}).dismissed().settled("g(load())")},
      {"unsure",
       Life().offered({"x + y"}).dismissed().evidence(Evidence::kState, 0.55).settled("max(x, y)")},
      {"out_of_context", Life().offered({"x + y"}, "not there").accepted().settled("x - y")},
  };
  for (const auto& [reason, life] : table) {
    const auto derived = derive(life);
    EXPECT_THAT(derived.discards, ElementsAre(reason));
    EXPECT_THAT(derived.pairs, IsEmpty()) << reason;
  }
}

TEST(Derive, WhatMayNotBeLearntFromIsNoExampleEither) {
  const std::string password = std::string("S3!") + "kq9Zr4Wm2x";
  for (const Life& life :
       {Life().after("password = ").offered({"'" + password + "'"}).dismissed().settled("load()"),
        Life().from("copilot").offered({"x + y"}).accepted().settled("x + y"),
        Life().from("").offered({"x + y"}).accepted().settled("x + y"),
        Life().offered({"x + y"}).dismissed().evidence(Evidence::kState, 0.5).settled("z"),
        Life().offered({"  "}).dismissed().settled("z")})
    EXPECT_THAT(derive(life).examples, IsEmpty());
}

TEST(Derive, AnotherVendorMayBeAllowed) {
  PairOptions options;
  options.other_vendors.clear();
  const Life life = Life().from("copilot").offered({"x + y"}).accepted().settled("x - y");
  EXPECT_THAT(told(derive(life, options)), ElementsAre("edited: x - y > x + y"));
}

TEST(Derive, ServersWithoutANameMayBeAllowed) {
  PairOptions options;
  options.unnamed_servers = true;
  const Life life = Life().from("").offered({"x + y"}).accepted().settled("x - y");
  EXPECT_THAT(told(derive(life, options)), ElementsAre("edited: x - y > x + y"));
}

// A name that an editor sends along to be replaced is taken off all three, or off the prefix.
TEST(Derive, ThePrefixEndsWhereBothSidesBegin) {
  const auto shared = derive(
      Life().after("x = comp").offered({"compute(a)"}, "comp").accepted().settled("compute(b)"));
  ASSERT_THAT(told(shared), ElementsAre("edited: ute(b) > ute(a)"));
  EXPECT_EQ(shared.pairs[0].prefix, "x = comp");

  const auto rewritten = derive(
      Life().after("x = comp").offered({"compute(a)"}, "comp").dismissed().settled("calculate(a)"));
  ASSERT_THAT(told(rewritten), ElementsAre("typed_instead: calculate(a) > compute(a)"));
  EXPECT_EQ(rewritten.pairs[0].prefix, "x = ");
}

TEST(Derive, TheSuffixBeginsWhereBothSidesEnd) {
  // The candidate takes the closing bracket with it.
  const auto accepted = derive(
      Life().after("f(").before(")\n").offered({"a + b)"}, ")").accepted().settled("a - b)"));
  ASSERT_THAT(told(accepted), ElementsAre("edited: a - b) > a + b)"));
  EXPECT_EQ(accepted.pairs[0].suffix, "\n");
  // What was typed over it left the bracket where it was.
  const auto typed =
      derive(Life().after("f(").before(")\n").offered({"a + b)"}, ")").dismissed().settled("c"));
  ASSERT_THAT(told(typed), ElementsAre("typed_instead: c > a + b"));
  EXPECT_EQ(typed.pairs[0].suffix, ")\n");
}

TEST(Derive, LengthIsNotWhatTellsTheSidesApart) {
  const auto lines =
      derive(Life().offered({"x + y\n\n\ndef g():\n    pass"}).dismissed().settled("max(x, y)"));
  EXPECT_THAT(told(lines), ElementsAre("typed_instead: max(x, y) > x + y"));
  const auto line = derive(
      Life().offered({"call(alpha, beta, gamma, delta, epsilon)"}).dismissed().settled("omega(1)"));
  EXPECT_THAT(told(line), ElementsAre("typed_instead: omega(1) > call(alpha"));
}

// FORMAT.md shows what becomes of an example's events; it is what this code makes of them.
TEST(Derive, TheFormatsExampleOfAPairIsMadeOfItsEvents) {
  std::ifstream format(std::string(STROP_SOURCE_DIR) + "/schema/FORMAT.md");
  std::string block;
  HistoryBuilder builder;
  nlohmann::json pair;
  int number = 0;
  const std::string epoch = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
  for (std::string line; std::getline(format, line);) {
    if (line.starts_with("```"))
      block = line;
    else if (block == "```json events")
      builder.add(epoch + ":" + std::to_string(++number), epoch, "9f86d081884c7d659a2feaa0c55ad015",
                  line);
    else if (block == "```json pairs")
      pair = nlohmann::json::parse(line);
  }
  const auto derived = derive_pairs(builder.take().at(0), {});
  ASSERT_EQ(derived.pairs.size(), 1U);
  EXPECT_NEAR(derived.pairs[0].epsilon, pair["epsilon"].get<double>(), 1e-12);
  pair["epsilon"] = derived.pairs[0].epsilon;
  EXPECT_EQ(schema::pair_to_json(derived.pairs[0]), pair);
}

}  // namespace
}  // namespace strop::collector
