// Adapters on disk: PEFT's names, shapes and fields; the round trip; what is refused and how.
#include "trainer/model/adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "temporary_folder.h"
#include "tiny_model.h"

namespace strop::trainer {
namespace {

using nlohmann::json;
using testing::HasSubstr;

torch::Tensor logits_of(const Decoder& model) {
  torch::NoGradGuard no_grad;
  return model.logits(model.hidden({.tokens = some_tokens(2, 9, model.config().vocab)}));
}

void disturb(Decoder& model) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(7);
  for (Linear* linear : model.linears())
    if (linear->has_adapter()) linear->b().normal_(0, 0.1);
}

class Adapter : public testing::Test {
 protected:
  std::string write(const LoraConfig& config) {
    Decoder model = tiny_decoder(tiny_config());
    add_lora(model, config, 1);
    disturb(model);
    save_adapter(model, config, "models/base", folder_ / "adapter");
    return folder_ / "adapter";
  }

  json config_file() { return json::parse(read_bytes(folder_ / "adapter/adapter_config.json")); }
  void change_config(const json& patch) {
    json file = config_file();
    file.merge_patch(patch);
    write_bytes(folder_ / "adapter/adapter_config.json", file.dump());
  }

  std::string refusal() {
    Decoder model = tiny_decoder(tiny_config());
    const torch::Tensor before = logits_of(model);
    const auto loaded = load_adapter(model, folder_ / "adapter");
    EXPECT_TRUE(torch::equal(before, logits_of(model))) << "a refused adapter changes nothing";
    return loaded ? "" : loaded.error();
  }

  TemporaryFolder folder_;
};

TEST_F(Adapter, AFreshOneChangesNothingAndIsAllThatIsTrainable) {
  Decoder model = tiny_decoder(tiny_config());
  const torch::Tensor before = logits_of(model);
  add_lora(model, {.rank = 3, .alpha = 6}, 1);
  EXPECT_TRUE(torch::equal(before, logits_of(model)));
  EXPECT_EQ(model.trainable().size(), 2 * model.linears().size());
}

TEST_F(Adapter, ItsUsualTargetsAreTheFamilysProjections) {
  Decoder llama = tiny_decoder(tiny_config());
  EXPECT_EQ(projection_names(llama), LoraConfig().targets);
  Decoder starcoder = tiny_decoder(tiny_config("starcoder2"));
  EXPECT_THAT(projection_names(starcoder),
              testing::ElementsAre("q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"));
  EXPECT_THROW(add_lora(starcoder, {}, 1), std::invalid_argument);
  add_lora(starcoder, {.targets = projection_names(starcoder)}, 1);
  EXPECT_EQ(starcoder.trainable().size(), 2 * starcoder.linears().size());
}

TEST_F(Adapter, TheSameSeedGivesTheSameOne) {
  const auto first = [](std::uint64_t seed) {
    Decoder model = tiny_decoder(tiny_config());
    add_lora(model, {}, seed);
    return model.linears().front()->a().detach();
  };
  EXPECT_TRUE(torch::equal(first(4), first(4)));
  EXPECT_FALSE(torch::equal(first(4), first(5)));
}

TEST_F(Adapter, NamesAndShapesAreThoseOfPeft) {
  const auto tensors =
      read_safetensors(write({.rank = 2, .alpha = 4, .targets = {"q_proj", "down_proj"}}) +
                       "/adapter_model.safetensors");
  ASSERT_TRUE(tensors) << tensors.error();
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, tensor] : *tensors) shapes[name] = tensor.sizes().vec();
  const auto layer = [](int i) { return "base_model.model.model.layers." + std::to_string(i); };
  std::map<std::string, std::vector<std::int64_t>> wanted;
  for (int i = 0; i < 2; ++i) {
    wanted[layer(i) + ".self_attn.q_proj.lora_A.weight"] = {2, 24};
    wanted[layer(i) + ".self_attn.q_proj.lora_B.weight"] = {24, 2};
    wanted[layer(i) + ".mlp.down_proj.lora_A.weight"] = {2, 40};
    wanted[layer(i) + ".mlp.down_proj.lora_B.weight"] = {24, 2};
  }
  EXPECT_EQ(shapes, wanted);
}

TEST_F(Adapter, TheConfigIsWhatPeftWrites) {
  write({.rank = 2, .alpha = 4, .targets = {"q_proj", "down_proj"}});
  EXPECT_EQ(config_file(), json::parse(R"({
    "alpha_pattern": {}, "auto_mapping": null, "base_model_name_or_path": "models/base",
    "bias": "none", "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
    "layer_replication": null, "layers_pattern": null, "layers_to_transform": null,
    "loftq_config": {}, "lora_alpha": 4.0, "lora_dropout": 0.0, "megatron_config": null,
    "megatron_core": "megatron.core", "modules_to_save": null, "peft_type": "LORA", "r": 2,
    "rank_pattern": {}, "revision": null, "target_modules": ["down_proj", "q_proj"],
    "task_type": "CAUSAL_LM", "use_dora": false, "use_rslora": false})"));
}

TEST_F(Adapter, ComesBackAsItWent) {
  const LoraConfig config{.rank = 3, .alpha = 6, .dropout = 0, .targets = {"down_proj", "q_proj"}};
  Decoder model = tiny_decoder(tiny_config());
  add_lora(model, config, 1);
  disturb(model);
  save_adapter(model, config, "b", folder_ / "adapter");
  Decoder other = tiny_decoder(tiny_config());
  const auto loaded = load_adapter(other, folder_ / "adapter");
  ASSERT_TRUE(loaded) << loaded.error();
  EXPECT_EQ(*loaded, config);
  EXPECT_TRUE(torch::equal(logits_of(model), logits_of(other)));
}

// As a server in bfloat16 takes one: rounded once, when it is loaded.
TEST_F(Adapter, IsOfTheTypeThatTheModelComputesIn) {
  const std::string folder = write({.rank = 3, .alpha = 6});
  Decoder model = tiny_decoder(tiny_config());
  Decoder half = tiny_decoder(tiny_config());
  half.compute_in(torch::kBFloat16);
  const torch::Tensor base = logits_of(model);
  ASSERT_TRUE(load_adapter(model, folder));
  ASSERT_TRUE(load_adapter(half, folder));
  for (Linear* linear : half.linears()) {
    EXPECT_EQ(linear->a().scalar_type(), torch::kBFloat16) << linear->name();
    EXPECT_EQ(linear->b().scalar_type(), torch::kBFloat16) << linear->name();
  }
  const double change = (logits_of(model) - base).norm().item<double>();
  const double wrong =
      (logits_of(half).to(torch::kFloat32) - logits_of(model)).norm().item<double>();
  EXPECT_LE(wrong, change / 8);
}

TEST_F(Adapter, MergedIsTheSameModel) {
  Decoder model = tiny_decoder(tiny_config());
  ASSERT_TRUE(load_adapter(model, write({.rank = 3, .alpha = 6})));
  auto merged = Decoder::from_tensors(model.config(), model.merged_tensors());
  ASSERT_TRUE(merged) << merged.error();
  EXPECT_LE(largest_difference(logits_of(model), logits_of(*merged)), 1e-4);
}

TEST_F(Adapter, ATargetThatNoLayerHasIsRefused) {
  Decoder model = tiny_decoder(tiny_config());
  EXPECT_THROW(add_lora(model, {.targets = {"c_fc"}}, 1), std::invalid_argument);
}

struct Wrong {
  std::string name;
  std::string patch;
  std::string says;
};

class WrongConfig : public Adapter, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongConfig, IsRefusedByName) {
  write({});
  change_config(json::parse(GetParam().patch));
  EXPECT_THAT(refusal(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, WrongConfig,
    testing::Values(Wrong{"Dora", R"({"use_dora": true})", "use_dora"},
                    Wrong{"RsLora", R"({"use_rslora": true})", "use_rslora"},
                    Wrong{"RankPattern", R"({"rank_pattern": {"q_proj": 4}})", "rank_pattern"},
                    Wrong{"Modules", R"({"modules_to_save": ["lm_head"]})", "modules_to_save"},
                    Wrong{"Bias", R"({"bias": "all"})", "bias"},
                    Wrong{"NotLora", R"({"peft_type": "IA3"})", "peft_type"},
                    Wrong{"Rank", R"({"r": 0})", "r must be"},
                    Wrong{"RankOfOthers", R"({"r": 4})", "shape"},
                    Wrong{"Alpha", R"({"lora_alpha": "much"})", "lora_alpha"},
                    Wrong{"Targets", R"({"target_modules": "all-linear"})", "target_modules"},
                    Wrong{"FewerTargets", R"({"target_modules": ["q_proj"]})",
                          "belongs to no layer"},
                    Wrong{"OtherTargets", R"({"target_modules": ["c_fc"]})", "c_fc"}),
    [](const auto& test) { return test.param.name; });

TEST_F(Adapter, MissingOrDamagedFilesAreToldApart) {
  EXPECT_THAT(refusal(), HasSubstr("there is no adapter_config.json"));
  const std::string adapter = write({});
  const std::string bytes = read_bytes(adapter + "/adapter_model.safetensors");
  write_bytes(adapter + "/adapter_model.safetensors", bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(refusal(), HasSubstr("adapter_model.safetensors"));
  write_bytes(adapter + "/adapter_config.json", "{");
  EXPECT_THAT(refusal(), HasSubstr("not a JSON object"));
}

}  // namespace
}  // namespace strop::trainer
