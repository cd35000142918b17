// strop-trainer export: the merged model is base plus adapter, and all that stood beside the base's
// weights stands beside its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "program.h"
#include "tiny_model.h"
#include "trainer/loaded_model.h"
#include "trainer/model/adapter.h"
#include "trainer/safetensors.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kModel = STROP_SOURCE_DIR "/models/strop-tiny/";
const LoraConfig kLora{.rank = 3, .alpha = 12, .targets = {"q_proj", "down_proj"}};

class Export : public testing::Test {
 protected:
  // A base whose config.json says more than the decoder reads, and an adapter of it.
  Export() {
    for (const char* name : {"model.safetensors", "tokenizer.json"}) {
      fs::create_directories(base_);
      fs::copy_file(std::string(kModel) + name, base_ + "/" + name);
    }
    config_ = json::parse(read_bytes(std::string(kModel) + "config.json"));
    config_.update({{"bos_token_id", 5},
                    {"eos_token_id", {7, 8}},
                    {"pad_token_id", 9},
                    {"torch_dtype", "float16"},
                    {"of_another", "kept"}});
    write_bytes(base_ + "/config.json", config_.dump());
    auto model = Decoder::load(base_);
    if (!model) throw std::runtime_error(model.error());
    add_lora(*model, kLora, 4);
    torch::NoGradGuard no_grad;
    for (Linear* linear : model->linears())
      if (linear->has_adapter()) linear->b().normal_(0, 0.1);
    save_adapter(*model, kLora, base_, adapter_);
  }

  Outcome run(const std::vector<std::string>& more = {}, const std::string& before = "") const {
    std::vector<std::string> all{"export", "--model", base_, "--adapter", adapter_, "--out", out_};
    all.insert(all.end(), more.begin(), more.end());
    return run_trainer(all, before);
  }

  static NamedTensors tensors(const std::string& file) {
    auto read = read_safetensors(file);
    if (!read) throw std::runtime_error(read.error());
    return std::move(*read);
  }

  // base + (alpha / rank)·B·A, from the files alone.
  NamedTensors expected() const {
    NamedTensors out = tensors(base_ + "/model.safetensors");
    const NamedTensors adapter = tensors(adapter_ + "/adapter_model.safetensors");
    for (auto& [name, tensor] : out) {
      tensor = tensor.to(torch::kFloat32);
      const std::string layer = "base_model.model." + name.substr(0, name.rfind('.'));
      const auto a = adapter.find(layer + ".lora_A.weight");
      if (a == adapter.end()) continue;
      tensor = tensor + 4.0 * torch::mm(adapter.at(layer + ".lora_B.weight"), a->second);
    }
    return out;
  }

  TemporaryFolder folder_;
  std::string base_ = folder_ / "base";
  std::string adapter_ = folder_ / "adapter";
  std::string out_ = folder_ / "merged";
  json config_;
};

TEST_F(Export, MergedWeightsAreBasePlusScaledBTimesA) {
  const Outcome outcome = run();
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const NamedTensors got = tensors(out_ + "/model.safetensors");
  const NamedTensors base = tensors(base_ + "/model.safetensors");
  const NamedTensors wanted = expected();
  ASSERT_EQ(got.size(), wanted.size());
  int changed = 0;
  for (const auto& [name, tensor] : got) {
    EXPECT_EQ(tensor.scalar_type(), torch::kFloat32) << name;
    EXPECT_LT(largest_difference(tensor, wanted.at(name)), 1e-5) << name;
    changed += torch::equal(tensor, base.at(name).to(torch::kFloat32)) ? 0 : 1;
  }
  EXPECT_EQ(changed, 2 * config_["num_hidden_layers"].get<int>());
}

TEST_F(Export, Bfloat16IsTheNearestToTheMergedWeights) {
  ASSERT_EQ(run().code, 0);
  const NamedTensors whole = tensors(out_ + "/model.safetensors");
  fs::remove_all(out_);
  ASSERT_EQ(run({"--dtype", "bfloat16"}).code, 0);
  const NamedTensors rounded = tensors(out_ + "/model.safetensors");
  ASSERT_EQ(rounded.size(), whole.size());
  for (const auto& [name, tensor] : rounded)
    EXPECT_TRUE(torch::equal(tensor, whole.at(name).to(torch::kBFloat16))) << name;
  EXPECT_EQ(json::parse(read_bytes(out_ + "/config.json"))["torch_dtype"], "bfloat16");
}

TEST_F(Export, ConfigIsTheBasesButForItsDtype) {
  ASSERT_EQ(run().code, 0);
  config_["torch_dtype"] = "float32";
  EXPECT_EQ(json::parse(read_bytes(out_ + "/config.json")), config_);
}

TEST_F(Export, ADtypeInTransformersNewerWordingIsChangedToo) {
  config_.erase("torch_dtype");
  config_["dtype"] = "float16";
  write_bytes(base_ + "/config.json", config_.dump());
  ASSERT_EQ(run({"--dtype", "bfloat16"}).code, 0);
  config_["dtype"] = "bfloat16";
  EXPECT_EQ(json::parse(read_bytes(out_ + "/config.json")), config_);
}

TEST_F(Export, TokenizerAndGenerationFilesAreCopied) {
  const char* const kNames[] = {"tokenizer_config.json",
                                "special_tokens_map.json",
                                "generation_config.json",
                                "added_tokens.json",
                                "vocab.json",
                                "merges.txt",
                                "chat_template.jinja"};
  ASSERT_EQ(run().code, 0);
  for (const char* name : kNames) {
    EXPECT_FALSE(fs::exists(out_ + "/" + name)) << name;
    write_bytes(base_ + "/" + name, std::string("{\"of\": \"") + name + "\"}");
  }
  fs::remove_all(out_);
  ASSERT_EQ(run().code, 0);
  for (const char* name : kNames)
    EXPECT_EQ(read_bytes(out_ + "/" + name), read_bytes(base_ + "/" + name)) << name;
  EXPECT_EQ(read_bytes(out_ + "/tokenizer.json"), read_bytes(base_ + "/tokenizer.json"));
}

TEST_F(Export, WhatItWroteLoadsAndComputesAsBaseAndAdapterDo) {
  ASSERT_EQ(run().code, 0);
  const LoadedModel with_adapter = load_model(base_, adapter_);
  const LoadedModel merged = load_model(out_, "");
  const torch::Tensor tokens = some_tokens(1, 16, merged.decoder.config().vocab);
  torch::NoGradGuard no_grad;
  const auto logits = [&](const LoadedModel& model) {
    return model.decoder.logits(model.decoder.hidden({.tokens = tokens}));
  };
  EXPECT_LT(largest_difference(logits(merged), logits(with_adapter)), 1e-3);
}

TEST_F(Export, AFullDiskLeavesNothingAndTheNextTryWorks) {
  // Both after nothing and after the first blocks; a shell's limit of file sizes is a full disk.
  for (const bool existed : {false, true}) {
    if (existed) fs::create_directories(out_);
    const Outcome full = run({}, "trap '' XFSZ; ulimit -f 64;");
    EXPECT_EQ(full.code, 1);
    EXPECT_THAT(full.err, HasSubstr(out_ + "/model.safetensors"));
    EXPECT_EQ(fs::exists(out_), existed);
    if (existed) {
      EXPECT_TRUE(fs::is_empty(out_));
    }
    EXPECT_EQ(run().code, 0);
    fs::remove_all(out_);
  }
}

TEST_F(Export, AFolderThatIsNotEmptyIsLeftAlone) {
  write_bytes(out_ + "/mine", "text");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("is not empty; name a new folder"));
  EXPECT_EQ(read_bytes(out_ + "/mine"), "text");
}

TEST_F(Export, TheBaseMayStandInTheConfiguration) {
  write_bytes(folder_ / "trainer.toml", "base = \"base\"\n");
  const Outcome outcome = run_trainer(
      {"export", "--config", folder_ / "trainer.toml", "--adapter", adapter_, "--out", out_});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(read_bytes(out_ + "/README.md"), HasSubstr("| base | " + base_ + ","));
}

}  // namespace
}  // namespace strop::trainer
