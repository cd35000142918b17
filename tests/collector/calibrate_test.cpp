// When to stay silent: which outcomes tell, what is fitted to them, and the command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "collector/fill.h"
#include "collector/program.h"
#include "collector/quality/silence_fit.h"
#include "collector/temp_folder.h"

namespace strop::collector {
namespace {

using nlohmann::json;
using schema::OutcomeKind;
using testing::DoubleNear;
using testing::HasSubstr;

// ---- which outcomes tell

schema::Offered offer(const std::string& text, std::optional<double> logprob,
                      std::optional<double> propensity = {}) {
  schema::Offered offered;
  offered.candidates = {{text, "", 0, logprob}};
  offered.prefix = "def f():\n  return ";
  offered.model = "m";
  offered.propensity = propensity;
  return offered;
}

TEST(Trial, IsASuggestionThatWasShownAndWhatBecameOfIt) {
  const std::pair<OutcomeKind, std::optional<bool>> table[] = {
      {OutcomeKind::kAccepted, true},       {OutcomeKind::kPartial, true},
      {OutcomeKind::kTypedThrough, true},   {OutcomeKind::kDismissed, false},
      {OutcomeKind::kIgnored, false},       {OutcomeKind::kUnseen, std::nullopt},
      {OutcomeKind::kUnknown, std::nullopt}};
  for (const auto& [kind, taken] : table) {
    const auto trial = trial_of(Life().add(offer("a + b", -3)).ended(kind).history());
    ASSERT_EQ(trial.has_value(), taken.has_value()) << to_word(kind);
    if (!trial) continue;
    EXPECT_EQ(trial->taken, *taken) << to_word(kind);
    EXPECT_EQ(trial->prospect.logprob, -3);
    EXPECT_EQ(trial->prospect.chars, 5U);
    EXPECT_EQ(trial->prospect.column, 9U);
    EXPECT_EQ(trial->prospect.language, "python");
    EXPECT_EQ(trial->model, "m");
    EXPECT_EQ(trial->weight, 1);
  }
}

TEST(Trial, IsNoneWithoutWhatItNeeds) {
  const auto ended = [](const schema::Offered& offered) {
    return trial_of(Life().add(offered).ended(OutcomeKind::kAccepted).history());
  };
  EXPECT_TRUE(ended(offer("a", -1)));
  EXPECT_FALSE(ended(offer("a", std::nullopt))) << "no log-probability";
  EXPECT_FALSE(ended(offer("", -1))) << "metrics-only";
  EXPECT_FALSE(ended(offer("a", -1, 0.0))) << "nobody can have seen it";
  EXPECT_FALSE(trial_of(Life().add(offer("a", -1)).history())) << "no outcome";
  EXPECT_FALSE(trial_of(Life()
                            .from("s", schema::Source::kPopup)
                            .add(offer("a", -1))
                            .ended(OutcomeKind::kAccepted)
                            .history()));
}

TEST(Trial, OneThatWasLetThroughCountsForThoseKeptBack) {
  const auto trial =
      trial_of(Life().add(offer("a", -1, 0.05)).ended(OutcomeKind::kIgnored).history());
  EXPECT_DOUBLE_EQ(trial->weight, 20);
}

TEST(Trial, ACandidateThatHasAPropensityOfItsOwnCountsByThat) {
  schema::Offered offered = offer("a", -1);
  offered.candidates.push_back({"b", "", 1, -2, 0.05});
  const auto weight = [&offered](int candidate) {
    schema::Outcome outcome;
    outcome.outcome = OutcomeKind::kAccepted;
    outcome.candidate = candidate;
    return trial_of(Life().add(offered).add(outcome).history())->weight;
  };
  EXPECT_DOUBLE_EQ(weight(0), 1);
  EXPECT_DOUBLE_EQ(weight(1), 20);
}

// ---- the fit

Trial trial(double logprob, bool taken, double weight = 1) {
  Trial out;
  out.prospect.logprob = logprob;  // of no characters: the score itself
  out.prospect.language = "c";
  out.taken = taken;
  out.weight = weight;
  return out;
}

TEST(Threshold, IsWhereShowingMorePaysNoLonger) {
  // From the top: .75, .5, .25, 1, .75, .5, .25: best behind the fourth.
  const std::vector<Trial> trials{trial(-1, true), trial(-2, false), trial(-3, false),
                                  trial(-4, true), trial(-5, false), trial(-6, false),
                                  trial(-7, false)};
  EXPECT_DOUBLE_EQ(fit_threshold(trials), -4.5);
}

TEST(Threshold, EqualScoresStayTogether) {
  EXPECT_DOUBLE_EQ(fit_threshold({trial(-1, true), trial(-1, false), trial(-2, false)}), -1.5);
}

TEST(Threshold, IsTheLowestWhereAllIsWorthShowing) {
  EXPECT_DOUBLE_EQ(fit_threshold({trial(-1, false), trial(-2, true)}), -2);
}

TEST(Threshold, IsAboveAllWhereNothingIs) {
  EXPECT_GT(fit_threshold({trial(-1, false), trial(-2, false)}), -1);
}

TEST(Threshold, WeighsWhatWasLetThrough) {
  // Those at −2 were let through one time in ten: each stands for ten.
  std::vector<Trial> trials(3, trial(-1, true));
  trials.push_back(trial(-2, false, 10));
  EXPECT_DOUBLE_EQ(fit_threshold(trials), -1.5);
  trials.push_back(trial(-2, true, 10));
  EXPECT_DOUBLE_EQ(fit_threshold(trials), -2);
}

// Outcomes drawn by a known rule: p = σ(1 + 0.8·logprob) in c, the odds doubled in python.
std::vector<Trial> drawn(std::size_t count) {
  std::mt19937_64 random(7);
  const auto uniform = [&] { return static_cast<double>(random() >> 11U) * 0x1p-53; };
  std::vector<Trial> out;
  for (std::size_t i = 0; i < count; ++i) {
    Trial one;
    one.prospect.logprob = -8 * uniform();
    one.prospect.chars = 1 + static_cast<std::size_t>(30 * uniform());
    one.prospect.column = static_cast<std::size_t>(40 * uniform());
    one.prospect.language = uniform() < 0.5 ? "c" : "python";
    const double odds =
        std::exp(1 + 0.8 * one.prospect.logprob) * (one.prospect.language == "python" ? 2 : 1);
    one.taken = uniform() < odds / (1 + odds);
    one.document = std::to_string(i % 40);
    one.model = "m";
    one.t_ms = 1000 + static_cast<double>(i);
    out.push_back(std::move(one));
  }
  return out;
}

TEST(Head, FindsTheRuleThatOutcomesWereDrawnBy) {
  const schema::SilenceHead head = fit_head(drawn(20'000));
  for (const double logprob : {-1.0, -2.0, -4.0, -6.0}) {
    const double odds = std::exp(1 + 0.8 * logprob);
    EXPECT_NEAR(head.probability({logprob, 15, 1, 20, "c"}), odds / (1 + odds), 0.03) << logprob;
    EXPECT_NEAR(head.probability({logprob, 15, 1, 20, "python"}), 2 * odds / (1 + 2 * odds), 0.03)
        << logprob;
  }
}

// At the fit the gradient is nothing: without the ridge's part, as many are expected to be taken as
// were.
TEST(Head, ExpectsAsManyAsWereTaken) {
  const std::vector<Trial> trials = drawn(500);
  const schema::SilenceHead head = fit_head(trials);
  double expected = 0;
  double taken = 0;
  for (const Trial& one : trials) {
    expected += head.probability(one.prospect);
    taken += one.taken ? 1 : 0;
  }
  EXPECT_NEAR(expected, taken, 1e-3);
}

TEST(Head, IsFiniteWhereEverythingOrNothingWasTaken) {
  for (const bool taken : {false, true}) {
    const schema::SilenceHead head = fit_head(std::vector<Trial>(30, trial(-1, taken)));
    const double p = head.probability(trial(-1, taken).prospect);
    EXPECT_TRUE(taken ? p > 0.9 && p <= 1 : p >= 0 && p < 0.1) << p;
  }
}

TEST(Calibrate, ShowsLessAndWhatIsShownIsTakenMore) {
  const auto calibration = calibrate_silence(drawn(4000));
  ASSERT_TRUE(calibration) << calibration.error();
  EXPECT_EQ(calibration->trials, 4000U);
  EXPECT_DOUBLE_EQ(calibration->always.shown, 1);
  EXPECT_NEAR(calibration->always.acceptance, calibration->taken / 4000.0, 1e-12);
  for (const Expected& rule : {calibration->threshold, calibration->head}) {
    EXPECT_LT(rule.shown, 0.9);
    EXPECT_GT(rule.acceptance, calibration->always.acceptance);
    EXPECT_GT(rule.reward, calibration->always.reward);
    EXPECT_NEAR(rule.reward, rule.shown * (rule.acceptance - schema::kBreakEven), 1e-12);
  }
  EXPECT_GT(calibration->head.reward, calibration->threshold.reward)
      << "the length says nothing here, and the score believes it does";
  EXPECT_EQ(calibration->from_ms, 1000);
  EXPECT_EQ(calibration->to_ms, 4999);
}

TEST(Calibrate, RefusesTooLittleAndSaysHowMuchIsMissing) {
  std::vector<Trial> few(150, trial(-1, false));
  for (std::size_t i = 0; i < 5; ++i) few[i].taken = true;
  EXPECT_THAT(calibrate_silence(few).error(),
              HasSubstr("150 outcomes with log-probabilities, 5 of them taken; 200 and 20 are "
                        "wanted: 50 and 15 are missing"));
  EXPECT_FALSE(calibrate_silence({}, {0, 0}));
}

// ---- the command

class CalibrateCommand : public testing::Test {
 protected:
  CalibrateCommand() { SqliteStore made(store(), StoreAccess::kReceiver); }
  std::string store() const { return folder_ / "events.db"; }
  std::string out() const { return folder_ / "silence.json"; }
  void put(int count, const std::string& model = "m") {
    for (int i = 0; i < count; ++i) {
      schema::Offered offered = offer("x", i % 2 == 0 ? -1 : -9);
      offered.model = model;
      fill(store(), ++stream_,
           Life().add(offered).ended(i % 2 == 0 ? OutcomeKind::kAccepted : OutcomeKind::kIgnored));
    }
  }
  Said run(std::vector<std::string> more) {
    std::vector<std::string> arguments{"calibrate", "--store", store(), "--out", out()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_collector(arguments);
  }

  TempFolder folder_;
  std::uint8_t stream_ = 0;
};

TEST_F(CalibrateCommand, WritesARuleThatAgentsRead) {
  put(20);
  const Said said = run({"--min-outcomes", "20", "--min-taken", "10"});
  ASSERT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("20 outcomes, 10 taken"));
  EXPECT_THAT(said.out, HasSubstr("threshold"));
  const json written = json::parse(std::ifstream(out()));
  const auto rule = schema::silence_from_json(written);
  ASSERT_TRUE(rule) << rule.error();
  EXPECT_NEAR(rule->threshold, -5 + 2 * std::log(2), 1e-9);
  EXPECT_TRUE(rule->head);
  EXPECT_EQ(written["expected"]["threshold"]["acceptance"], 1);
  EXPECT_EQ(written["data"]["models"]["m"], 20);
}

TEST_F(CalibrateCommand, RefusesTooLittleAndWritesNothing) {
  put(4);
  const Said said = run({});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.err, HasSubstr("196 and 18 are missing"));
  EXPECT_FALSE(std::ifstream(out()).good());
}

TEST_F(CalibrateCommand, TakesOneModelOfSeveral) {
  put(20);
  put(4, "other");
  EXPECT_THAT(run({"--min-outcomes", "20", "--min-taken", "10"}).out, HasSubstr("--model"));
  const Said said = run({"--model", "m", "--min-outcomes", "20", "--min-taken", "10"});
  EXPECT_THAT(said.out, HasSubstr("20 outcomes, 10 taken"));
}

TEST_F(CalibrateCommand, SaysWhatCannotBeWritten) {
  put(20);
  const Said said =
      run_collector({"calibrate", "--store", store(), "--out", folder_ / "none/silence.json",
                     "--min-outcomes", "20", "--min-taken", "10"});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.err, HasSubstr("cannot write"));
}

}  // namespace
}  // namespace strop::collector
