// The parts that make pairs comparable, tell them apart, split and weigh them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "collector/life.h"
#include "collector/pairs/distance.h"
#include "collector/pairs/duplicates.h"
#include "collector/pairs/extent.h"
#include "collector/pairs/harvest.h"
#include "collector/pairs/split.h"
#include "collector/quality/epsilon.h"
#include "collector/quality/weights.h"

namespace strop::collector {
namespace {

using schema::Evidence;
using testing::ElementsAre;
using testing::IsEmpty;

// ---- distance

TEST(Distance, LexemesAreWordsAndSingleSigns) {
  EXPECT_THAT(lexemes("if (näme_1>=2)\n"), ElementsAre("if", "(", "näme_1", ">", "=", "2", ")"));
  EXPECT_THAT(lexemes(" \t\r\n"), IsEmpty());
}

TEST(Distance, IsTheShareOfLexemesThatDiffer) {
  struct {
    std::string a, b;
    double distance;
  } const table[] = {
      {"", "", 0},          {"a", "", 1},
      {"a b", "a  b\n", 0}, {"a b c d", "a b x d", .25},
      {"a b", "b", .5},     {"a b c", "c b a", 2.0 / 3},
      {"x", "y", 1},
  };
  for (const auto& [a, b, distance] : table) {
    EXPECT_DOUBLE_EQ(lexeme_distance(a, b), distance) << a << " / " << b;
    EXPECT_DOUBLE_EQ(lexeme_distance(b, a), distance) << b << " / " << a;
  }
}

TEST(Distance, ACommonPrefixEndsBetweenCharacters) {
  EXPECT_EQ(common_prefix("abc", "abd"), 2U);
  EXPECT_EQ(common_prefix("abc", "abc"), 3U);
  EXPECT_EQ(common_prefix("", "abc"), 0U);
  EXPECT_EQ(common_prefix("xä", "xö"), 1U);  // both begin with the byte c3
}

// ---- extent

TEST(Extent, WhatIsReplacedLiesAroundTheCursor) {
  struct {
    std::string replaces, prefix, suffix;
    std::optional<std::pair<std::string, std::string>> found;
  } const table[] = {
      {"", "a", "b", {{"", ""}}},       {"ab", "xab", "c", {{"ab", ""}}},
      {"ab", "xa", "bc", {{"a", "b"}}}, {"ab", "x", "abc", {{"", "ab"}}},
      {"ab", "x", "ba", std::nullopt},  {"aa", "a", "a", {{"a", "a"}}},
  };
  for (const auto& row : table) {
    const auto found = find_replaced(row.replaces, row.prefix, row.suffix);
    ASSERT_EQ(found.has_value(), row.found.has_value()) << row.replaces << ' ' << row.prefix;
    if (!found) continue;
    EXPECT_EQ(found->before, row.found->first);
    EXPECT_EQ(found->behind, row.found->second);
  }
}

Sides sides(const std::string& chosen, const std::string& rejected) {
  return {"", "", chosen, rejected};
}

TEST(Extent, BothSidesAreCutToTheSameExtent) {
  struct {
    Sides before, after;
  } const table[] = {
      {sides("a", "b"), sides("a", "b")},
      {sides("a\nb\nc", "x\ny"), sides("a\nb", "x\ny")},
      {sides("a", "x\ny\nz"), sides("a", "x")},
      {sides("a\r\nb", "x"), sides("a", "x")},
      {sides("a\n", "x\n"), sides("a\n", "x\n")},
      {sides("one", "twotwotwo + three + four"), sides("one", "twotwotwo")},
      {sides("alpha beta gamma delta epsilon", "x = 1"), sides("alpha", "x = 1")},
      {sides("", "x + y + z + w"), sides("", "x")},
  };
  for (const auto& [before, after] : table)
    EXPECT_EQ(cut_alike(before), after) << before.chosen << " / " << before.rejected;
}

// f(|) with a bracket behind the cursor: what was written ends there, however long it is.
TEST(Extent, WhereTheLineGoesOnBothSidesEndAtIt) {
  const Sides within{"f(", ")\n", "alpha, beta, gamma, delta", "x"};
  EXPECT_EQ(cut_alike(within), within);
  const Sides at_end{"f(", " \n)", "alpha, beta, gamma, delta", "x"};
  EXPECT_EQ(cut_alike(at_end).chosen, "alpha");
}

TEST(Extent, GoingOnIsNotBeingDifferent) {
  EXPECT_TRUE(differ_by_length_alone(sides("a b", "a")));
  EXPECT_TRUE(differ_by_length_alone(sides("a", "a  b")));
  EXPECT_FALSE(differ_by_length_alone(sides("a b", "a c")));
  EXPECT_FALSE(differ_by_length_alone(sides("ab", "abc")));  // another word
}

TEST(Extent, ASecretIsSeenWithWhatStandsAroundIt) {
  const std::string password = std::string("'S3!") + "kq9Zr4Wm2x'";
  EXPECT_FALSE(holds_secret({"x = ", "\n", "", ""}, password));
  EXPECT_TRUE(holds_secret({"password = ", "\n", "", ""}, password));
  // One that only stands nearby is the context's to lose.
  EXPECT_FALSE(holds_secret({"password = " + password + "\n", "\n", "", ""}, "x = 1"));
}

// ---- duplicates

schema::PreferencePair pair(const std::string& prefix, const std::string& chosen,
                            const std::string& rejected) {
  schema::PreferencePair out;
  out.prefix = prefix;
  out.chosen = chosen;
  out.rejected = rejected;
  return out;
}

TEST(Duplicates, AreTheSameWrittenAndTheSameRejected) {
  Duplicates seen;
  EXPECT_TRUE(seen.add(pair("def f():\n  ", "x", "y")));
  EXPECT_FALSE(seen.add(pair("def f():\n  ", "x", "y")));
  EXPECT_FALSE(seen.add(pair("def f():\n\n    ", " x", "y\n")));  // white space apart
  EXPECT_TRUE(seen.add(pair("def f():\n  ", "x", "z")));
  EXPECT_TRUE(seen.add(pair("def f():\n  ", "z", "y")));
  EXPECT_TRUE(seen.add(pair("def g():\n  ", "x", "y")));
  // Typed one character further, the same suggestion again.
  EXPECT_TRUE(seen.add(pair("r", "aise", "eturn")));
  EXPECT_FALSE(seen.add(pair("ra", "ise", "eturn")));
}

TEST(Duplicates, OnlyTheEndOfTheContextMatters) {
  Duplicates seen;
  const std::string near(300, 'n');
  EXPECT_TRUE(seen.add(pair("far away" + near, "x", "y")));
  EXPECT_FALSE(seen.add(pair("elsewhere" + near, "x", "y")));
}

TEST(Duplicates, WantedAndUnwantedAreNotTheSame) {
  Duplicates seen;
  schema::UnpairedExample example;
  example.completion = "x";
  example.label = true;
  EXPECT_TRUE(seen.add(example));
  EXPECT_FALSE(seen.add(example));
  example.label = false;
  EXPECT_TRUE(seen.add(example));
}

// ---- split

const std::string kKey(32, 'k');

Origin origin(int contributor, int repository, int document) {
  return {"c" + std::to_string(contributor), "r" + std::to_string(repository),
          "d" + std::to_string(document)};
}

// Written down: a key that meant another split tomorrow would train on what was held out.
TEST(Split, TheSamePlaceIsOnTheSameSideForEver) {
  std::string sides_of_groups;
  std::string sides_of_documents;
  const Splitter by_group(kKey, SplitBy::kRepository, 0.3);
  const Splitter by_document(kKey, SplitBy::kDocument, 0.3);
  for (int i = 0; i < 20; ++i) {
    sides_of_groups += by_group.side(origin(i, 1, 1))[0];
    sides_of_documents += by_document.side(origin(1, 1, i))[0];
  }
  EXPECT_EQ(sides_of_groups, "tthtthtthtttttttttth");
  EXPECT_EQ(sides_of_documents, "htttttttthtttttthttt");
}

TEST(Split, WhatBelongsTogetherStaysTogether) {
  const Splitter by_group(kKey, SplitBy::kRepository, 0.5);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(by_group.side(origin(i, 1, 1)), by_group.side(origin(i, 1, 2)));
}

TEST(Split, TheShareIsAboutWhatWasAsked) {
  for (const double share : {0.0, 0.1, 0.5}) {
    const Splitter splitter(kKey, SplitBy::kDocument, share);
    int heldout = 0;
    for (int i = 0; i < 2000; ++i) heldout += splitter.side(origin(1, 1, i)) == "heldout" ? 1 : 0;
    EXPECT_NEAR(heldout / 2000.0, share, 0.03);
  }
}

TEST(Split, ALargerShareKeepsWhatWasHeldOut) {
  const Splitter small(kKey, SplitBy::kDocument, 0.1);
  const Splitter large(kKey, SplitBy::kDocument, 0.2);
  for (int i = 0; i < 500; ++i)
    if (small.side(origin(1, 1, i)) == "heldout") {
      EXPECT_EQ(large.side(origin(1, 1, i)), "heldout");
    }
}

TEST(Split, AnotherKeyIsAnotherSplit) {
  const Splitter one(kKey, SplitBy::kDocument, 0.5);
  const Splitter other(std::string(32, 'o'), SplitBy::kDocument, 0.5);
  int same = 0;
  for (int i = 0; i < 400; ++i)
    same += one.side(origin(1, 1, i)) == other.side(origin(1, 1, i)) ? 1 : 0;
  EXPECT_NEAR(same, 200, 60);
  EXPECT_NE(one.repository_pseudonym("r"), other.repository_pseudonym("r"));
  EXPECT_EQ(one.repository_pseudonym(""), "");
}

TEST(Split, FieldsDoNotRunIntoEachOther) {
  const Splitter splitter(kKey, SplitBy::kRepository, 0.5);
  int same = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string n = std::to_string(i);
    same += splitter.side({"a" + n, "b", ""}) == splitter.side({"a", n + "b", ""}) ? 1 : 0;
  }
  EXPECT_NEAR(same, 200, 60);
}

TEST(Split, IsByTheLargestUnitThereAreEnoughOf) {
  SplitChooser chooser;
  for (int i = 0; i < 19; ++i) chooser.see(origin(1, 1, i));
  EXPECT_EQ(chooser.choose(), SplitBy::kNone);
  chooser.see(origin(1, 1, 19));
  chooser.see(origin(1, 1, 19));
  EXPECT_EQ(chooser.choose(), SplitBy::kDocument);
  for (int i = 0; i < 19; ++i) chooser.see(origin(1, i + 2, 1));
  EXPECT_EQ(chooser.groups(), 20U);
  EXPECT_EQ(chooser.choose(), SplitBy::kRepository);
}

// ---- epsilon

TEST(Epsilon, DirectEvidenceIsSurer) {
  EXPECT_LT(outcome_epsilon(Evidence::kCommand, 1), outcome_epsilon(Evidence::kEditor, 1));
  EXPECT_LT(outcome_epsilon(Evidence::kEditor, 1), outcome_epsilon(Evidence::kState, 1));
  EXPECT_LT(outcome_epsilon(Evidence::kState, 1), outcome_epsilon(Evidence::kTimeout, 1));
}

TEST(Epsilon, IsNeverSurerThanTheTracker) {
  EXPECT_DOUBLE_EQ(outcome_epsilon(Evidence::kCommand, 0.8), 0.2);
  for (const double confidence : {0.0, -1.0, 2.0, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_DOUBLE_EQ(outcome_epsilon(Evidence::kCommand, confidence), 0.5) << confidence;
}

TEST(Epsilon, TwoDoubtsAreWrongWhenOneOfThemHolds) {
  EXPECT_DOUBLE_EQ(either(0, 0.2), 0.2);
  EXPECT_DOUBLE_EQ(either(0.1, 0.2), 0.1 * 0.8 + 0.9 * 0.2);
  EXPECT_DOUBLE_EQ(either(0.5, 0.2), 0.5);
}

// ---- weights

double mean_weight(const Weights& weights, const std::vector<std::array<std::string, 3>>& pairs) {
  double sum = 0;
  for (const auto& [contributor, language, kind] : pairs)
    sum += weights.of(contributor, language, kind);
  return sum / static_cast<double>(pairs.size());
}

Weights weigh(const std::vector<std::array<std::string, 3>>& pairs, WeightOptions options = {}) {
  Weights weights(options);
  for (const auto& [contributor, language, kind] : pairs)
    weights.count(contributor, language, kind);
  weights.settle();
  return weights;
}

TEST(Weights, OfPairsAllAlikeAreOne) {
  const std::vector<std::array<std::string, 3>> pairs(10, {"c", "python", "edited"});
  EXPECT_DOUBLE_EQ(weigh(pairs).of("c", "python", "edited"), 1);
  EXPECT_DOUBLE_EQ(Weights().of("c", "python", "edited"), 1);
}

TEST(Weights, ARareStratumCountsMorePerPairAndLessInAll) {
  std::vector<std::array<std::string, 3>> pairs(90, {"c", "python", "edited"});
  pairs.insert(pairs.end(), 10, {"c", "rust", "edited"});
  const Weights weights = weigh(pairs);
  const double python = weights.of("c", "python", "edited");
  const double rust = weights.of("c", "rust", "edited");
  EXPECT_NEAR(rust / python, 3, 1e-9);  // the root of 9
  EXPECT_LT(10 * rust, 90 * python);
  EXPECT_NEAR(mean_weight(weights, pairs), 1, 1e-9);
}

TEST(Weights, AStratumsFactorIsBounded) {
  std::vector<std::array<std::string, 3>> pairs(100000, {"c", "python", "edited"});
  pairs.push_back({"c", "rust", "edited"});
  const Weights weights = weigh(pairs);
  EXPECT_LE(weights.of("c", "rust", "edited") / weights.of("c", "python", "edited"), 16);
}

// Ten contributors: nobody above twice the fair tenth.
TEST(Weights, NobodyFloodsTheTeam) {
  std::vector<std::array<std::string, 3>> pairs(910, {"loud", "python", "edited"});
  for (int i = 1; i < 10; ++i)
    pairs.insert(pairs.end(), 10, {"c" + std::to_string(i), "python", "edited"});
  const Weights weights = weigh(pairs);
  const double loud = weights.of("loud", "python", "edited");
  const double quiet = weights.of("c1", "python", "edited");
  EXPECT_NEAR(loud / quiet, 0.2 * 1000 / 910, 1e-9);
  EXPECT_NEAR(mean_weight(weights, pairs), 1, 1e-9);
}

TEST(Weights, ATeamOfTwoIsNotCapped) {
  std::vector<std::array<std::string, 3>> pairs(99, {"a", "python", "edited"});
  pairs.push_back({"b", "python", "edited"});
  EXPECT_DOUBLE_EQ(weigh(pairs).of("a", "python", "edited"), 1);
}

// ---- history

std::string text(const schema::Event& event) { return schema::event_to_json(event).dump(); }

TEST(History, JoinsEventsOfASuggestionWhateverTheirOrder) {
  const auto events = Life().offered({"x + y"}).accepted().settled("x - y").events();
  HistoryBuilder builder;
  for (const std::size_t i : {2U, 0U, 1U})
    builder.add("e:" + std::to_string(i), "session", "c", text(events[i]));
  const auto histories = builder.take();
  ASSERT_EQ(histories.size(), 1U);
  EXPECT_TRUE(histories[0].offered);
  EXPECT_EQ(histories[0].outcome->outcome, schema::OutcomeKind::kAccepted);
  EXPECT_EQ(histories[0].final_state()->text, "x - y");
  EXPECT_THAT(histories[0].events, ElementsAre("e:2", "e:0", "e:1"));
  EXPECT_THAT(builder.take(), IsEmpty());
}

TEST(History, TheSameIdInAnotherSessionIsAnotherSuggestion) {
  const auto event = Life().offered({"x"}).events()[0];
  HistoryBuilder builder;
  builder.add("a:1", "a", "c", text(event));
  builder.add("b:1", "b", "c", text(event));
  EXPECT_EQ(builder.take().size(), 2U);
}

TEST(History, OnlyACorrectionReplacesAnOutcome) {
  const auto history =
      Life().offered({"x"}).accepted().ended(schema::OutcomeKind::kIgnored).history();
  EXPECT_EQ(history.outcome->outcome, schema::OutcomeKind::kAccepted);
  const auto corrected = Life()
                             .offered({"x"})
                             .accepted()
                             .dismissed(schema::How::kDeleted)
                             .corrects("accepted")
                             .history();
  EXPECT_EQ(corrected.outcome->how, schema::How::kDeleted);
}

TEST(History, WhatCannotBeReadIsCounted) {
  HistoryBuilder builder;
  for (const char* payload : {"", "{", "[]", R"({"v":2})", R"({"v":1,"type":"shown"})"})
    builder.add("e:1", "session", "c", payload);
  EXPECT_EQ(builder.unreadable(), 5U);
  EXPECT_THAT(builder.take(), IsEmpty());
}

TEST(History, WithoutAFinalStateNothingIsSettled) {
  EXPECT_EQ(Life().offered({"x"}).settled("y", {}, false).history().final_state(), nullptr);
}

// ---- harvest

TEST(Harvest, BothPassesSeeTheSamePairs) {
  std::vector<Life> lives;
  lives.reserve(40);
  for (int i = 0; i < 40; ++i)
    lives.push_back(Life()
                        .in("file:///w/" + std::to_string(i % 25) + ".py")
                        .by(i % 2 == 0 ? "a" : "b")
                        .after("v" + std::to_string(i % 30) + " = ")
                        .offered({"x + y"})
                        .accepted()
                        .settled("x - y"));
  int passes = 0;
  Harvest harvest(
      [&](const std::function<void(SuggestionHistory)>& visit) {
        ++passes;
        for (const Life& life : lives) visit(life.history());
      },
      {.heldout_share = 0.3}, kKey);
  const HarvestReport report = harvest.survey();
  EXPECT_EQ(report.suggestions, 40U);
  EXPECT_EQ(report.pairs.at("edited"), 30U);
  EXPECT_EQ(report.discards.at("duplicate"), 10U);
  EXPECT_EQ(report.contributors, 2U);
  EXPECT_EQ(report.split_by, SplitBy::kDocument);
  std::uint64_t train = 0;
  std::uint64_t heldout = 0;
  harvest.each_pair(
      [&](const schema::PreferencePair& each) { ++(each.split == "train" ? train : heldout); });
  EXPECT_EQ(train, report.train);
  EXPECT_EQ(heldout, report.heldout);
  EXPECT_GT(heldout, 0U);
  EXPECT_EQ(passes, 2);
}

}  // namespace
}  // namespace strop::collector
