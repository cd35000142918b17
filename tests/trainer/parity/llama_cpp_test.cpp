// What llama.cpp completes with our adapter after its own conversion, greedily, against what we do.
// golden/make_llama_cpp.py makes its side.
#include <gtest/gtest.h>

#include "table.h"
#include "trainer/generate.h"
#include "trainer/loaded_model.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr const char* kBase = STROP_SOURCE_DIR "/models/strop-tiny";

// "merged": of the model that `export` wrote; "adapter": base and adapter converted apart; "base":
// without one.
class LlamaCpp : public testing::TestWithParam<const char*> {};

TEST_P(LlamaCpp, CompletesWithOurTokens) {
  const std::string name = GetParam();
  const json file = golden_json("llama_cpp.json");
  const LoadedModel ours = load_model(kBase, name == "base" ? "" : golden("round_trip/honed"));
  double different = 0;
  for (std::size_t i = 0; i < file.at("prompts").size(); ++i) {
    const json& theirs = file.at("runs").at(name).at(i);
    const auto prompt = ours.tokenizer.encode(file.at("prompts").at(i).get<std::string>());
    EXPECT_EQ(json(prompt), theirs.at("prompt"));
    const json& greedy = theirs.at("greedy");
    const Completion completion =
        generate_batch(ours.decoder, ours.tokenizer, {prompt},
                       {.max_tokens = static_cast<std::int64_t>(greedy.size())})
            .front();
    EXPECT_EQ(completion.text, theirs.at("text").get<std::string>());
    ASSERT_EQ(completion.tokens.size(), greedy.size());
    for (std::size_t at = 0; at < greedy.size(); ++at)
      different += completion.tokens[at].token == greedy.at(at).get<TokenId>() ? 0 : 1;
  }
  expect_parity({"8 adapter in llama.cpp", "greedy tokens, " + name,
                 version_of(file.at("versions"), "llama-cpp-python")},
                different, 0);
}

INSTANTIATE_TEST_SUITE_P(Conversions, LlamaCpp, testing::Values("merged", "adapter", "base"),
                         [](const auto& run) { return std::string(run.param); });

}  // namespace
}  // namespace strop::trainer
