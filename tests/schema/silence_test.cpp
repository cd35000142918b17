// When to show a suggestion: the score, the head, and the file in which both travel.
#include "schema/silence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace strop::schema {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Silence, BreaksEvenWhereShowingIsWorthAsMuchAsSilence) {
  EXPECT_DOUBLE_EQ(kBreakEven * kTaken + (1 - kBreakEven) * kNotTaken, 0);
}

TEST(Silence, TheScoreIsLogProbAndLength) {
  EXPECT_DOUBLE_EQ(silence_score(-3, 0), -3);
  EXPECT_DOUBLE_EQ(silence_score(-3, 9), -3 + 2 * std::log(10));
}

TEST(Silence, AProspectCountsCharactersNotBytes) {
  const Prospect at = prospect_of(-1, "\xC3\xA9t\xC3\xA9\n}", "int x;\n  \xC3\xA9", "cpp");
  EXPECT_EQ(at.chars, 5U);
  EXPECT_EQ(at.lines, 2U);
  EXPECT_EQ(at.column, 3U);
  EXPECT_EQ(at.language, "cpp");
  EXPECT_EQ(prospect_of(-1, "x", "abc", "c").column, 3U) << "on a document's first line";
}

SilenceRule rule() {
  SilenceHead head;
  head.bias = -1;
  head.weights = {0.5, 0, 0, 0, 0, 2};
  head.means = {-4, 0, 0, 0, 0, 0};
  head.scales = {2, 1, 1, 1, 1, 1};
  head.languages = {{"c", 0.25}};
  return {-2.5, head};
}

TEST(Silence, TheHeadIsALogisticRegressionOfStandardizedFeatures) {
  const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
  // 0.5·(−2 − −4)/2 = 0.5; the language gives 2·0.25.
  EXPECT_DOUBLE_EQ(rule().head->probability({-2, 10, 1, 0, "python"}), logistic(-1 + 0.5));
  EXPECT_DOUBLE_EQ(rule().head->probability({-2, 10, 1, 0, "c"}), logistic(-1 + 0.5 + 0.5));
}

TEST(Silence, TravelsAsJson) {
  EXPECT_EQ(silence_from_json(silence_to_json(rule())), rule());
  const SilenceRule without_head{-2.5, std::nullopt};
  EXPECT_EQ(silence_from_json(silence_to_json(without_head)), without_head);
}

TEST(Silence, AFileThatWillNotDoIsSaidWhy) {
  const auto broken = [](const std::string& patch) {
    json file = silence_to_json(rule());
    file.merge_patch(json::parse(patch));
    const auto read = silence_from_json(file);
    return read ? "read" : read.error();
  };
  EXPECT_THAT(silence_from_json(json::array()).error(), HasSubstr("strop-collector calibrate"));
  EXPECT_THAT(broken(R"({"kind": "pairs"})"), HasSubstr("strop-collector calibrate"));
  EXPECT_THAT(broken(R"({"v": 2})"), HasSubstr("version 2"));
  EXPECT_THAT(broken(R"({"threshold": "low"})"), HasSubstr("'threshold'"));
  EXPECT_THAT(broken(R"({"head": {"features": ["a"]}})"), HasSubstr("calibrate anew"));
  EXPECT_THAT(broken(R"({"head": {"weights": [1]}})"), HasSubstr("'weights'"));
  EXPECT_THAT(broken(R"({"head": {"means": [1, 2, 3, 4, 5, "6"]}})"), HasSubstr("'means'"));
  EXPECT_THAT(broken(R"({"head": {"scales": [1, 0, 1, 1, 1, 1]}})"), HasSubstr("'scales'"));
  EXPECT_THAT(broken(R"({"head": {"languages": {"c": "x"}}})"), HasSubstr("'c'"));
}

}  // namespace
}  // namespace strop::schema
