// config.json: the shapes that are read, and a refusal that names what differs.
#include "trainer/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

json llama() {
  return {{"model_type", "llama"},      {"vocab_size", 320},
          {"hidden_size", 64},          {"num_hidden_layers", 3},
          {"num_attention_heads", 8},   {"num_key_value_heads", 2},
          {"intermediate_size", 160},   {"max_position_embeddings", 128},
          {"rms_norm_eps", 1e-5},       {"rope_theta", 500000.0},
          {"tie_word_embeddings", true}};
}

TEST(Config, ReadsLlama) {
  const auto config = config_from_json(llama());
  ASSERT_TRUE(config) << config.error();
  ModelConfig expected;
  expected.family = "llama";
  expected.vocab = 320;
  expected.hidden = 64;
  expected.layers = 3;
  expected.heads = 8;
  expected.kv_heads = 2;
  expected.head_dim = 8;
  expected.intermediate = 160;
  expected.max_positions = 128;
  expected.rope.theta = 500000;
  expected.norm_eps = 1e-5;
  expected.tied_head = true;
  EXPECT_EQ(*config, expected);
}

TEST(Config, Qwen2HasBiasesOnQueriesKeysAndValues) {
  json in = llama();
  in["model_type"] = "qwen2";
  ASSERT_TRUE(config_from_json(in));
  EXPECT_TRUE(config_from_json(in)->qkv_bias);
}

TEST(Config, AbsentAndNullFieldsHaveTheFamilysDefaults) {
  json in = llama();
  for (const char* key :
       {"num_key_value_heads", "rope_theta", "rms_norm_eps", "tie_word_embeddings"})
    in.erase(key);
  in["rope_scaling"] = nullptr;
  in["head_dim"] = nullptr;
  in["num_key_value_heads"] = nullptr;
  const auto config = config_from_json(in);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->kv_heads, 8);
  EXPECT_EQ(config->head_dim, 8);
  EXPECT_EQ(config->rope.theta, 10000);
  EXPECT_EQ(config->norm_eps, 1e-6);
  EXPECT_FALSE(config->tied_head);
}

TEST(Config, NullKeyValueHeadsAreAsManyAsHeadsWhateverTheFamily) {
  json in = llama();
  in["model_type"] = "mistral";
  in["num_key_value_heads"] = nullptr;
  EXPECT_EQ(config_from_json(in).value().kv_heads, 8);
  in["num_attention_heads"] = 16;
  EXPECT_EQ(config_from_json(in).value().kv_heads, 16);
  in.erase("num_key_value_heads");
  EXPECT_EQ(config_from_json(in).value().kv_heads, 8);  // transformers' default
}

TEST(Config, RopeStandsInEitherOfTwoPlaces) {
  json older = llama();
  older["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  json newer = llama();
  newer.erase("rope_theta");
  newer["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 4.0}, {"rope_theta", 500000.0}};
  ASSERT_TRUE(config_from_json(older));
  ASSERT_TRUE(config_from_json(newer));
  EXPECT_EQ(config_from_json(older)->rope.scaling, RopeScaling::kLinear);
  EXPECT_EQ(config_from_json(older)->rope.factor, 4);
  EXPECT_EQ(*config_from_json(older), *config_from_json(newer));
}

TEST(Config, EveryRopeScalingIsWrittenAsItIsRead) {
  for (const char* scaling :
       {R"({"type": "linear", "factor": 4.0})",
        R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64})",
        R"({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32})",
        R"({"rope_type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 0.5,
            "truncate": false})"}) {
    json in = llama();
    in["rope_scaling"] = json::parse(scaling);
    const auto config = config_from_json(in);
    ASSERT_TRUE(config) << config.error();
    EXPECT_NE(config->rope.scaling, RopeScaling::kNone);
    EXPECT_EQ(*config_from_json(config_to_json(*config)), *config) << scaling;
  }
}

// Within the window attention is whole, so that far the family's formula is ours.
TEST(Config, ASlidingWindowBoundsThePositions) {
  const auto positions = [](const char* change) {
    json in = llama();
    in["max_position_embeddings"] = 8192;
    in.merge_patch(json::parse(change));
    return config_from_json(in).value().max_positions;
  };
  EXPECT_EQ(positions(R"({"model_type": "mistral", "sliding_window": 512})"), 512);
  EXPECT_EQ(positions(R"({"model_type": "mistral"})"), 4096);  // transformers' default
  EXPECT_EQ(positions(R"({"model_type": "starcoder2", "sliding_window": 64})"), 64);
  EXPECT_EQ(positions(R"({"model_type": "starcoder2"})"), 8192);
  EXPECT_EQ(positions(R"({"model_type": "qwen2", "sliding_window": 64})"), 8192);
  EXPECT_EQ(
      positions(R"({"model_type": "qwen2", "sliding_window": 64, "use_sliding_window": true})"),
      64);
  EXPECT_EQ(positions(R"({"model_type": "qwen2", "use_sliding_window": true})"), 4096);
  json whole = llama();
  whole["model_type"] = "mistral";
  whole["sliding_window"] = nullptr;
  whole["max_position_embeddings"] = 8192;
  EXPECT_EQ(config_from_json(whole).value().max_positions, 8192);
}

TEST(Config, BiasesAreTheFamilysOrTheFiles) {
  const auto biases = [](const char* change) {
    json in = llama();
    in.merge_patch(json::parse(change));
    const ModelConfig config = config_from_json(in).value();
    return std::vector<bool>{config.qkv_bias, config.output_bias, config.mlp_bias};
  };
  EXPECT_THAT(biases("{}"), testing::ElementsAre(false, false, false));
  EXPECT_THAT(biases(R"({"attention_bias": true})"), testing::ElementsAre(true, true, false));
  EXPECT_THAT(biases(R"({"mlp_bias": true})"), testing::ElementsAre(false, false, true));
  EXPECT_THAT(biases(R"({"model_type": "qwen2"})"), testing::ElementsAre(true, false, false));
  EXPECT_THAT(biases(R"({"model_type": "qwen3"})"), testing::ElementsAre(false, false, false));
  EXPECT_THAT(biases(R"({"model_type": "starcoder2"})"), testing::ElementsAre(true, true, true));
  EXPECT_THAT(biases(R"({"model_type": "starcoder2", "use_bias": false})"),
              testing::ElementsAre(false, false, false));
}

TEST(Config, ReadsWhatItWrites) {
  for (const char* family : {"llama", "qwen2", "qwen3", "mistral", "starcoder2"}) {
    json in = llama();
    in["model_type"] = family;
    in["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
    in["head_dim"] = 16;
    const auto config = config_from_json(in);
    ASSERT_TRUE(config) << config.error();
    EXPECT_EQ(*config_from_json(config_to_json(*config)), *config);
  }
}

struct Refusal {
  const char* change;  // a merge patch
  const char* message;
};

TEST(Config, RefusesWhatItWouldComputeWrongly) {
  const Refusal kRefusals[] = {
      {R"({"model_type": "gpt2"})",
       "model_type 'gpt2' is not supported (llama, mistral, qwen2, qwen3 and"},
      {R"({"model_type": null})", "model_type"},
      {R"({"model_type": 3})", "config.json"},
      {R"({"hidden_act": "gelu"})", "hidden_act 'gelu'"},
      {R"({"model_type": "qwen2", "attention_bias": true})", "attention_bias"},
      {R"({"model_type": "mistral", "mlp_bias": true})", "mlp_bias"},
      {R"({"model_type": "starcoder2", "hidden_act": "gelu"})", "hidden_act 'gelu'"},
      {R"({"model_type": "starcoder2", "mlp_type": "gated"})", "mlp_type 'gated'"},
      {R"({"quantization_config": {"bits": 4}})", "quantized"},
      {R"({"num_key_value_heads": 3})", "multiple"},
      {R"({"num_attention_heads": 0})", "num_attention_heads"},
      {R"({"head_dim": 7})", "head_dim must be even"},
      {R"({"vocab_size": -5})", "vocab_size must be a whole number from 1 to 16777216"},
      {R"({"vocab_size": 320.5})", "vocab_size must be a whole number"},
      {R"({"vocab_size": 18446744073709551615})", "vocab_size must be a whole number"},
      {R"({"num_hidden_layers": 0})", "num_hidden_layers must be a whole number from 1 to 4096"},
      {R"({"num_hidden_layers": 2000000000})", "num_hidden_layers must be"},
      {R"({"max_position_embeddings": 1e14})", "max_position_embeddings must be"},
      {R"({"max_position_embeddings": 100000000000000})", "from 1 to 8388608"},
      {R"({"hidden_size": 2000000000})", "hidden_size must be"},
      {R"({"intermediate_size": 2000000000})", "intermediate_size must be"},
      {R"({"num_attention_heads": 2000000000})", "num_attention_heads must be"},
      {R"({"num_key_value_heads": 0})", "num_key_value_heads must be"},
      {R"({"head_dim": 2000000000})", "head_dim must be"},
      {R"({"hidden_size": null})", "hidden_size"},
      {R"({"hidden_size": "wide"})", "config.json"},
      {R"({"rope_scaling": {"rope_type": "longrope", "factor": 4.0}})", "rope scaling 'longrope'"},
      {R"({"rope_scaling": {"rope_type": "llama3", "factor": 4.0}})", "low_freq_factor"},
      {R"({"rope_scaling": {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 4.0,
          "high_freq_factor": 1.0, "original_max_position_embeddings": 64}})",
       "high bound above the low one"},
      {R"({"rope_scaling": {"type": "linear"}})", "factor"},
      {R"({"rope_scaling": {"type": "linear", "factor": 0}})", "factor"},
  };
  for (const Refusal& refusal : kRefusals) {
    json in = llama();
    in.merge_patch(json::parse(refusal.change));
    const auto config = config_from_json(in);
    ASSERT_FALSE(config) << refusal.change;
    EXPECT_THAT(config.error(), HasSubstr(refusal.message)) << refusal.change;
  }
}

TEST(Config, AFolderWithoutOneIsExplained) {
  const TemporaryFolder folder;
  EXPECT_THAT(load_config(folder.path()).error(),
              AllOf(HasSubstr("config.json"), HasSubstr("is this a model folder")));
  write_bytes(folder / "config.json", "{");
  EXPECT_THAT(load_config(folder.path()).error(), HasSubstr("is not JSON"));
  write_bytes(folder / "config.json", R"({"model_type": "bert"})");
  EXPECT_THAT(load_config(folder.path()).error(),
              AllOf(HasSubstr(folder.path()), HasSubstr("bert")));
}

}  // namespace
}  // namespace strop::trainer
