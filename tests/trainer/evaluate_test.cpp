// Measurements: read, added up, compared.
#include "trainer/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"
#include "trainer/loaded_model.h"
#include "trainer/threads.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json measured(const std::map<std::string, std::array<int, 4>>& files) {
  json out = {{"by_file", json::object()}};
  for (const auto& [file, counts] : files)
    out["by_file"][file] = {{"positions", counts[0]},
                            {"suggestions", counts[1]},
                            {"accepted", counts[2]},
                            {"kept", counts[3]}};
  return out;
}

TEST(Positions, ABadLineIsNamed) {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& text) {
    write_bytes(folder / "p.jsonl", text);
    const auto read = read_positions(folder / "p.jsonl");
    return read ? "" : read.error();
  };
  const std::string good = R"({"file":"a","prefix":"p","truth":"t"})"
                           "\n";
  EXPECT_EQ(error_of(good), "");
  EXPECT_THAT(error_of(good + "{\n"), HasSubstr("line 2: is not a JSON object"));
  EXPECT_THAT(error_of(R"({"file":"a","truth":"t"})"), HasSubstr("'prefix' must be a text"));
  EXPECT_THAT(error_of(R"({"file":"a","prefix":"p","truth":3})"), HasSubstr("'truth'"));
  EXPECT_THAT(error_of(""), HasSubstr("holds no positions"));
  EXPECT_FALSE(read_positions(folder / "none.jsonl"));
}

TEST(ComparePositions, DividesMeansOfTheSameFiles) {
  const auto compared = compare_positions(measured({{"a", {10, 8, 2, 16}}, {"b", {10, 2, 0, 4}}}),
                                          measured({{"a", {10, 6, 3, 30}}, {"b", {10, 4, 1, 10}}}));
  ASSERT_TRUE(compared) << compared.error();
  EXPECT_DOUBLE_EQ((*compared)["kept_chars_per_suggestion"]["ratio"].get<double>(), 2);
  EXPECT_DOUBLE_EQ((*compared)["acceptance_rate"]["before"].get<double>(), 0.2);
  EXPECT_DOUBLE_EQ((*compared)["kept_chars_per_position"]["after"].get<double>(), 2);
}

TEST(ComparePositions, OtherFilesAreRefused) {
  const json one = measured({{"a", {10, 8, 2, 16}}});
  EXPECT_FALSE(compare_positions(measured({{"b", {10, 8, 2, 16}}}), one));
  EXPECT_FALSE(compare_positions(measured({{"a", {11, 8, 2, 16}}}), one));
  EXPECT_FALSE(compare_positions(json(), one));
}

TEST(ComparePairs, ATieIsHalf) {
  const auto compared = compare_pairs({{"right", {0.5, 0.5, 0.5, 0.5}}}, {{"right", {1, 1, 1, 0}}});
  ASSERT_TRUE(compared) << compared.error();
  EXPECT_DOUBLE_EQ((*compared)["preference_accuracy"]["ratio"].get<double>(), 1.5);
  EXPECT_FALSE(compare_pairs({{"right", {0.5}}}, {{"right", {1, 1}}}));
}

class Measured : public testing::Test {
 protected:
  Measured() {
    use_shard_threads();
    model_.emplace(load_model(std::string(STROP_SOURCE_DIR) + "/models/strop-tiny", ""));
  }
  EvaluateOptions options(int threads) const {
    EvaluateOptions out;
    out.family = model_->family;
    out.threads = threads;
    return out;
  }
  std::optional<LoadedModel> model_;
};

TEST_F(Measured, ThreadsChangeNothing) {
  std::vector<Position> positions;
  positions.reserve(100);
  for (int i = 0; i < 100; ++i)
    positions.push_back({"f" + std::to_string(i % 3),
                         i == 0 ? "" : "import os\nvalue_" + std::to_string(i) + " = os.", "",
                         "path.join(a, b)\n", i % 2 == 0 ? "line_start" : "mid_line"});
  const json one =
      to_json(measure_positions(model_->decoder, model_->tokenizer, positions, options(1)));
  const json two =
      to_json(measure_positions(model_->decoder, model_->tokenizer, positions, options(2)));
  EXPECT_EQ(one, two);
  EXPECT_EQ(one["positions"], 100);
  EXPECT_GT(one["suggestions"].get<int>(), 0);
  EXPECT_EQ(one["files"], 3);
  EXPECT_EQ(one["strata"].size(), 2U);
}

TEST_F(Measured, AFilesBeginningIsCompletedAsServingDoes) {
  const Position start{"f", "", "", "import os\n", ""};
  const PositionMeasures measured =
      measure_positions(model_->decoder, model_->tokenizer, {start}, options(1));
  EXPECT_NE(measured.suggestions, std::vector<std::string>{""});
}

TEST_F(Measured, WithoutAnAdapterEveryPairIsATie) {
  schema::PreferencePair pair;
  pair.prefix = "import ";
  pair.chosen = "os";
  pair.rejected = "sys";
  pair.split = "heldout";
  const PairMeasures measured =
      measure_pairs(model_->decoder, model_->tokenizer, {pair}, options(1));
  EXPECT_EQ(measured.right, std::vector<double>{0.5});
  EXPECT_EQ(measured.margin, 0);
}

// What a merged model has gained on its base, and the base the other way round.
TEST_F(Measured, AnotherModelMayBeTheReference) {
  const std::vector<schema::PreferencePair> pairs = [] {
    schema::PreferencePair pair;
    pair.prefix = "import ";
    pair.chosen = "os";
    pair.rejected = "sys";
    return std::vector{pair};
  }();
  LoadedModel other = load_model(std::string(STROP_SOURCE_DIR) + "/models/strop-tiny", "");
  {
    torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : other.decoder.tensors())
      if (name == "model.norm.weight") tensor.mul_(1.5);
  }
  const PairMeasures there =
      measure_pairs(other.decoder, model_->tokenizer, pairs, options(1), &model_->decoder);
  const PairMeasures back =
      measure_pairs(model_->decoder, model_->tokenizer, pairs, options(1), &other.decoder);
  EXPECT_NE(there.margin, 0);
  EXPECT_NEAR(there.margin, -back.margin, 1e-4);
  EXPECT_EQ(there.accuracy() + back.accuracy(), 1);
}

}  // namespace
}  // namespace strop::trainer
