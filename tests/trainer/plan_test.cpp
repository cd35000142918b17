// What a run will take: counted against the model itself, and as a user asks for it.
#include "trainer/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "program.h"
#include "schema/preference_pair.h"
#include "temporary_folder.h"
#include "tiny_model.h"
#include "trainer/model/adapter.h"

namespace strop::trainer {
namespace {

using testing::HasSubstr;

constexpr const char* kRecipe = STROP_SOURCE_DIR "/trainer/recipes/dpo.toml";
constexpr const char* kBase = STROP_SOURCE_DIR "/models/strop-tiny";

Recipe recipe(Method method = Method::kDpo) {
  Recipe out;
  out.method = method;
  out.train.rank = 4;
  out.train.batch = 2;
  out.train.epochs = 3;
  return out;
}

TokenPair pair(std::size_t prompt, std::size_t chosen, std::size_t rejected) {
  return {.prompt = std::vector<TokenId>(prompt, 1),
          .chosen = std::vector<TokenId>(chosen, 2),
          .rejected = std::vector<TokenId>(rejected, 3)};
}

TokenPairs learnt(std::vector<TokenPair> pairs, std::vector<TokenPair> heldout = {}) {
  TokenPairs out;
  out.pairs = std::move(pairs);
  out.heldout_pairs = std::move(heldout);
  return out;
}

TEST(Plan, CountsWhatIsTrainedAsTheAdapterHasIt) {
  for (const char* family : {"llama", "starcoder2"})
    for (const std::vector<std::string>& targets :
         {std::vector<std::string>{}, std::vector<std::string>{"q_proj", "v_proj"}}) {
      Recipe how = recipe();
      how.train.targets = targets;
      const ModelConfig config = tiny_config(family);
      Decoder model = tiny_decoder(config);
      add_lora(model, {.rank = 4, .targets = targets.empty() ? projection_names(model) : targets},
               1);
      std::int64_t trained = 0;
      for (const torch::Tensor& tensor : model.trainable()) trained += tensor.numel();
      const Plan plan = make_plan(how, config, learnt({pair(5, 2, 3)}), 1, torch::kFloat32, {});
      EXPECT_EQ(plan.trained, trained) << family;
      EXPECT_EQ(plan.parameters, parameter_count(config));
    }
}

// 2 layers of 24 × 24 × 2 + 2 × 24 × 12 + 3 × 24 × 40 = 4608 weights, of which the last one meets
// the 8 tokens of the pair with 576 and the 5 that predict with the rest; a head of 50 × 24;
// attention 24 wide, where a token sees half of the others in the mean.
TEST(Plan, TheWorkIsThatOfTheProducts) {
  Recipe how = recipe();
  how.objective.prompt = 0;
  how.train.full = true;
  const Plan plan = make_plan(how, tiny_config(), learnt({pair(5, 2, 3)}), 1, torch::kFloat32, {});
  const double layers = 2 * ((4608 + 576) * 8 + 4032 * 5);
  const double head = 2 * 1200 * 5;
  const double attention = 2 * 48 * 64 / 2;
  const double forward = layers + 2 * attention + head;
  const double backward = 2 * layers + 5 * attention + 3 * head;
  EXPECT_EQ(plan.reference_flop, forward);
  EXPECT_EQ(plan.flop, 3 * (forward + backward) + forward);
  EXPECT_EQ(plan.steps, 3);
  EXPECT_EQ(plan.longest, 8);

  how.train.recompute = true;
  const Plan again = make_plan(how, tiny_config(), learnt({pair(5, 2, 3)}), 1, torch::kFloat32, {});
  EXPECT_EQ(again.flop, plan.flop + 3 * (layers + 2 * attention));
  EXPECT_LT(again.memory, plan.memory);
}

TEST(Plan, HalfTheBytesOfActivationsInBfloat16) {
  Recipe how = recipe();
  how.train.shard = 1000;
  const auto memory = [&](torch::ScalarType type) {
    return make_plan(how, tiny_config(), learnt({pair(40, 8, 8)}), 1, type, {}).memory;
  };
  EXPECT_NEAR(memory(torch::kBFloat16), memory(torch::kFloat32) / 2, memory(torch::kFloat32) / 50);
}

TEST(Plan, SftHasNoReferenceAndNoRejected) {
  const std::vector<TokenPair> pairs{pair(5, 2, 3)};
  const Plan sft =
      make_plan(recipe(Method::kSft), tiny_config(), learnt(pairs), 1, torch::kFloat32, {});
  const Plan dpo = make_plan(recipe(), tiny_config(), learnt(pairs), 1, torch::kFloat32, {});
  EXPECT_EQ(sft.reference_flop, 0);
  EXPECT_LT(sft.flop, dpo.flop);
  EXPECT_EQ(sft.longest, 6);
}

TEST(Plan, MoreThreadsAndLargerShardsTakeMoreMemory) {
  const std::vector<TokenPair> pairs{pair(40, 8, 8)};
  const auto memory = [&](int threads, std::int64_t shard) {
    Recipe how = recipe();
    how.train.shard = shard;
    return make_plan(how, tiny_config(), learnt(pairs), threads, torch::kFloat32, {}).memory;
  };
  EXPECT_GT(memory(2, 1), memory(1, 1));
  EXPECT_GT(memory(1, 400), 3 * memory(1, 100));
  EXPECT_FALSE(
      make_plan(recipe(), tiny_config(), learnt(pairs), 1, torch::kFloat32, {.available = 1000})
          .fits());
}

// 3 steps with a measurement after every second and after the last, and the reference's.
TEST(Plan, CountsTheMeasuringOfHeldOutPairs) {
  Recipe how = recipe();
  const TokenPairs data = learnt({pair(5, 2, 3)}, {pair(5, 2, 3), pair(5, 2, 3)});
  const Plan without = make_plan(how, tiny_config(), data, 1, torch::kFloat32, {});
  EXPECT_EQ(without.heldout_flop, 0);
  how.evaluate.every = 2;
  const Plan with = make_plan(how, tiny_config(), data, 1, torch::kFloat32, {});
  EXPECT_EQ(with.heldout_flop, 3 * 2 * without.reference_flop);
  EXPECT_EQ(with.flop, without.flop + with.heldout_flop);
}

TEST(Plan, MemoryIsReadOfTheSystem) {
  const TemporaryFolder folder;
  const std::string file = folder / "meminfo";
  write_bytes(file, "MemTotal:       100 kB\nMemAvailable:   64 kB\n");
  EXPECT_EQ(memory_now(file).available, 65536);
  EXPECT_EQ(memory_now(folder / "none").available, 0);
  EXPECT_GT(memory_now().available, 1e6);
  EXPECT_GT(memory_now().resident, 1e6);
}

TEST(Plan, WhatTheProgramHasAlreadyIsPartOfIt) {
  const std::vector<TokenPair> pairs{pair(5, 2, 3)};
  const double without =
      make_plan(recipe(), tiny_config(), learnt(pairs), 1, torch::kFloat32, {}).memory;
  EXPECT_EQ(
      make_plan(recipe(), tiny_config(), learnt(pairs), 1, torch::kFloat32, {.resident = 1000})
          .memory,
      without + 1000);
}

class PlanCommand : public testing::Test {
 protected:
  PlanCommand() {
    std::ofstream out(pairs_);
    for (int i = 0; i < 12; ++i) {
      schema::PreferencePair one;
      one.id = std::to_string(i);
      one.language = "python";
      one.kind = "edited";
      one.prefix = "def f" + one.id + "(x):\n    return ";
      one.chosen = "x + " + one.id;
      one.rejected = "None";
      out << pair_to_json(one).dump() << '\n';
    }
  }
  Outcome plan(const std::vector<std::string>& more, const std::string& pairs = "") const {
    std::vector<std::string> arguments{"plan",      kRecipe,   "--base",
                                       kBase,       "--pairs", pairs.empty() ? pairs_ : pairs,
                                       "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_trainer(arguments);
  }

  TemporaryFolder folder_;
  std::string pairs_ = folder_ / "pairs.jsonl";
};

TEST_F(PlanCommand, SaysItForPeopleAndForPrograms) {
  const Outcome said = plan({});
  ASSERT_EQ(said.code, 0) << said.err;
  for (const char* part : {"base ", "trained ", "pairs    12;", "work ", "memory ", "time "})
    EXPECT_THAT(said.out, HasSubstr(part));
  const Outcome json = plan({"--json", "--no-measure"});
  ASSERT_EQ(json.code, 0) << json.err;
  const auto parsed = nlohmann::json::parse(json.out);
  EXPECT_EQ(parsed.at("pairs"), 12);
  EXPECT_TRUE(parsed.at("fits").get<bool>());
  EXPECT_FALSE(parsed.contains("seconds"));
}

TEST_F(PlanCommand, WhatItCannotPlanIsSaid) {
  const Outcome none = plan({}, folder_ / "none.jsonl");
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("none.jsonl"));
  EXPECT_EQ(plan({"--method", "ppo"}).code, 2);
}

}  // namespace
}  // namespace strop::trainer
