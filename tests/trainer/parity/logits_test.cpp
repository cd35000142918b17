// Logits of every family's tiny random checkpoint against transformers; golden/make_golden.py makes
// them.
#include <gtest/gtest.h>

#include <filesystem>

#include "../tiny_model.h"
#include "table.h"
#include "trainer/model/decoder.h"

namespace strop::trainer {
namespace {

TEST(Logits, OfEveryFamilyAreTransformers) {
  const std::string transformers = version_of(golden_json("versions.json"), "transformers");
  torch::NoGradGuard no_grad;
  int checkpoints = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden(""))) {
    if (!std::filesystem::exists(entry.path() / "model.safetensors")) continue;
    const std::string name = entry.path().filename();
    const auto model = Decoder::load(entry.path());
    ASSERT_TRUE(model) << model.error();
    const NamedTensors expected = golden_tensors(name + "/expected.safetensors");
    expect_parity(
        {"5 logits", name, transformers},
        largest_difference(model->logits(model->hidden({.tokens = expected.at("tokens")})),
                           expected.at("logits")),
        1e-4);
    ++checkpoints;
  }
  EXPECT_GE(checkpoints, 10);
}

}  // namespace
}  // namespace strop::trainer
