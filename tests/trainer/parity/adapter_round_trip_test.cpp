// Adapters between PEFT and us, both ways: one that it saved gives its logits here, and one that we
// trained gives ours there. golden/make_round_trip.py makes PEFT's side.
#include <gtest/gtest.h>

#include "../temporary_folder.h"
#include "../tiny_model.h"
#include "table.h"
#include "trainer/model/adapter.h"

namespace strop::trainer {
namespace {

constexpr const char* kPoint = "8 adapter round trip";

std::string peft() { return version_of(golden_json("round_trip/versions.json"), "peft"); }

struct Adapted {
  Decoder model;
  LoraConfig config;
};

Adapted adapted(const std::string& base, const std::string& adapter) {
  auto model = Decoder::load(base);
  if (!model) throw std::runtime_error(model.error());
  auto config = load_adapter(*model, golden(adapter));
  if (!config) throw std::runtime_error(config.error());
  return {std::move(*model), *config};
}

torch::Tensor logits(const Decoder& model, const torch::Tensor& tokens) {
  torch::NoGradGuard no_grad;
  return model.logits(model.hidden({.tokens = tokens}));
}

void merge(Decoder& model) {
  for (Linear* linear : model.linears()) {
    linear->weight().set_data(linear->merged_weight());
    linear->remove_adapter();
  }
}

// Tensors alone, and the fields that both know.
void expect_written_again_as_it_was(Adapted& adapted, const std::string& adapter) {
  const TemporaryFolder folder;
  const auto before = golden_json(adapter + "/adapter_config.json");
  save_adapter(adapted.model, adapted.config, before.at("base_model_name_or_path"), folder.path());
  const NamedTensors theirs = golden_tensors(adapter + "/adapter_model.safetensors");
  auto ours = read_safetensors(folder / "adapter_model.safetensors");
  ASSERT_TRUE(ours) << ours.error();
  ASSERT_EQ(ours->size(), theirs.size());
  for (const auto& [name, tensor] : theirs) EXPECT_TRUE(torch::equal(ours->at(name), tensor));
  const auto after = nlohmann::json::parse(read_bytes(folder / "adapter_config.json"));
  for (const auto& [name, value] : after.items())
    if (name != "target_modules" && name != "init_lora_weights") {
      EXPECT_EQ(value, before.at(name)) << name;
    }
}

class RoundTrip : public testing::TestWithParam<std::string> {};

TEST_P(RoundTrip, WhatPeftSavedGivesItsLogits) {
  const std::string folder = "round_trip/" + GetParam();
  Adapted adapted = trainer::adapted(golden(GetParam()), folder);
  const NamedTensors expected = golden_tensors(folder + "/expected.safetensors");
  const torch::Tensor& tokens = expected.at("tokens");
  const torch::Tensor with_adapter = logits(adapted.model, tokens);
  expect_parity({kPoint, "logits of PEFT's adapter, " + GetParam(), peft()},
                largest_difference(with_adapter, expected.at("logits")), 1e-4);
  adapted.model.use_adapter(false);
  EXPECT_GT(largest_difference(logits(adapted.model, tokens), with_adapter), 0.1);
  adapted.model.use_adapter(true);
  expect_written_again_as_it_was(adapted, folder);
  merge(adapted.model);
  expect_parity({kPoint, "logits of merged weights, " + GetParam(), peft()},
                largest_difference(logits(adapted.model, tokens), expected.at("logits")), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Families, RoundTrip,
                         testing::Values("llama", "mistral", "qwen2", "qwen3", "starcoder2"),
                         [](const auto& family) { return family.param; });

TEST(RoundTripOfOurs, WhatWeTrainedGivesOurLogitsInPeft) {
  const NamedTensors expected = golden_tensors("round_trip/honed/expected.safetensors");
  Adapted honed = adapted(STROP_SOURCE_DIR "/models/strop-tiny", "round_trip/honed");
  const torch::Tensor ours = logits(honed.model, expected.at("tokens"));
  expect_parity({kPoint, "logits of our adapter in PEFT", peft()},
                largest_difference(ours, expected.at("logits")), 1e-4);
  expect_parity({kPoint, "logits of our merged export",
                 version_of(golden_json("round_trip/versions.json"), "transformers")},
                largest_difference(ours, expected.at("merged")), 1e-4);
  EXPECT_GT(largest_difference(ours, expected.at("base")), 1);
  expect_written_again_as_it_was(honed, "round_trip/honed");
}

}  // namespace
}  // namespace strop::trainer
