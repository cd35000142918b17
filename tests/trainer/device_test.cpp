// Where a model is computed: which device a name means, and that training comes to the same on
// every one that this machine has.
#include "trainer/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"
#include "tiny_model.h"
#include "trainer/loop.h"
#include "trainer/model/adapter.h"
#include "trainer/recipe.h"

namespace strop::trainer {
namespace {

using testing::HasSubstr;

TEST(Device, TheFirstGpuIsTheDefaultWhereThereIsOne) {
  EXPECT_EQ(choose_device("", 0).str(), "cpu");
  EXPECT_EQ(choose_device("", 2).str(), "cuda:0");
  EXPECT_EQ(choose_device("cpu", 2).str(), "cpu");
  EXPECT_EQ(choose_device("cuda", 2).str(), "cuda:0");
  EXPECT_EQ(choose_device("cuda:1", 2).str(), "cuda:1");
}

TEST(Device, WhatIsNotThereIsRefusedWithWhatIs) {
  const auto refusal = [](const std::string& asked, std::size_t gpus) -> std::string {
    try {
      return "it was " + choose_device(asked, gpus).str();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  EXPECT_THAT(refusal("cuda", 0), HasSubstr("sees no NVIDIA GPU"));
  EXPECT_THAT(refusal("cuda:2", 2), HasSubstr("are cuda:0 to cuda:1"));
  for (const char* unknown : {"gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1x", "cuda1", "cpu:0"})
    EXPECT_THAT(refusal(unknown, 2), HasSubstr("is unknown: cpu, cuda or cuda:N"));
}

// The name that no machine has, from each place that can say it.
TEST(Device, EveryCommandTakesTheFlagBeforeTheRecipeBeforeTheConfiguration) {
  const TemporaryFolder folder;
  const std::string config = folder / "trainer.toml";
  write_bytes(config, "device = \"cuda:61\"\n");
  const std::string recipe = folder / "dpo.toml";
  const std::string data = "[data]\nbase = \"none\"\npairs = \"none\"\nout = \"out\"\n";
  const auto dpo = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all{"dpo", recipe, "--config", config};
    all.insert(all.end(), more.begin(), more.end());
    const Outcome said = run_trainer(all);
    EXPECT_EQ(said.code, 2) << said.err;
    return said.err;
  };
  write_bytes(recipe, data);
  EXPECT_THAT(dpo({}), HasSubstr("'cuda:61' is not there"));
  write_bytes(recipe, data + "[train]\ndevice = \"cuda:62\"\n");
  EXPECT_THAT(dpo({}), HasSubstr("'cuda:62' is not there"));
  EXPECT_THAT(dpo({"--device", "cuda:63"}), HasSubstr("'cuda:63' is not there"));
  EXPECT_THAT(dpo({"--device", "cpu"}), HasSubstr("there is no model folder"));

  const std::string pretrain = folder / "pretrain.toml";
  write_bytes(pretrain,
              "[model]\nhidden = 8\nlayers = 1\nheads = 2\nintermediate = 8\n"
              "[data]\ntokenizer = \"t\"\nfiles = \"f\"\nheldout = \"h\"\n[train]\ntokens = 9\n");
  const std::vector<std::vector<std::string>> others{
      {"serve", "--model", folder / "none"},
      {"evaluate", "--model", folder / "none", "--positions", recipe},
      {"pretrain", pretrain, "--out", folder / "out"}};
  for (std::vector<std::string> command : others) {
    command.insert(command.end(), {"--config", config});
    EXPECT_THAT(run_trainer(command).err, HasSubstr("'cuda:61' is not there")) << command[0];
    command.insert(command.end(), {"--device", "cuda:64"});
    EXPECT_THAT(run_trainer(command).err, HasSubstr("'cuda:64' is not there")) << command[0];
  }
}

class EveryDevice : public testing::TestWithParam<torch::Device> {};

INSTANTIATE_TEST_SUITE_P(OfThisMachine, EveryDevice, testing::ValuesIn(devices_here()),
                         [](const auto& device) {
                           return device.param.is_cuda() ? "Cuda" : "Cpu";
                         });

// An adapter that was moved there still belongs to its model, and learns.
TEST_P(EveryDevice, LearnsWhatAnAdapterMadeOnTheCpuLearnsThere) {
  Recipe recipe;
  recipe.train.batch = recipe.train.shard = 2;
  recipe.train.epochs = 3;
  std::vector<TokenPair> pairs(2);
  pairs[0].prompt = {1, 2, 3, 4};
  pairs[1].prompt = {9, 8};
  pairs[0].chosen = pairs[1].rejected = {5, 6};
  pairs[0].rejected = pairs[1].chosen = {7};
  const auto losses_on = [&](const torch::Device& device, bool adapted_before) {
    Decoder model = tiny_decoder(tiny_config());
    if (adapted_before) add_lora(model, {}, 1);
    model.move_to(device);
    if (!adapted_before) add_lora(model, {}, 1);
    EXPECT_EQ(device_of(model), device);
    for (const torch::Tensor& one : model.trainable()) EXPECT_EQ(one.device(), device);
    const History history = train_pairs(model, pairs, recipe, {}).history;
    return std::pair{history.first().loss, history.last().loss};
  };
  const auto wanted = losses_on(torch::kCPU, true);
  for (const bool adapted_before : {true, false}) {
    const auto got = losses_on(GetParam(), adapted_before);
    EXPECT_NEAR(got.first, wanted.first, 1e-4);
    EXPECT_NEAR(got.second, wanted.second, 1e-3);
    EXPECT_LT(got.second, got.first);
  }
}

}  // namespace
}  // namespace strop::trainer
