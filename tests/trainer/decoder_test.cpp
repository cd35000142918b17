// The decoder against itself: every way to compute the same thing gives the same numbers.
#include "trainer/model/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tiny_model.h"

namespace strop::trainer {
namespace {

using testing::HasSubstr;
using torch::Tensor;

Tensor logits_of(const Decoder& model, const Tensor& tokens) {
  torch::NoGradGuard no_grad;
  return model.logits(model.hidden({tokens}));
}

class DecoderShapes : public testing::TestWithParam<std::string> {
 protected:
  Decoder model_ = tiny_decoder(tiny_config(GetParam()));
  Tensor tokens_ = some_tokens(2, 20, 50);
};

INSTANTIATE_TEST_SUITE_P(Families, DecoderShapes,
                         testing::Values("llama", "qwen2", "qwen3", "mistral", "starcoder2"));

TEST_P(DecoderShapes, GivesHiddenAndLogitsOfTheRightShape) {
  EXPECT_EQ(logits_of(model_, tokens_).sizes(), (torch::IntArrayRef{2, 20, 50}));
}

TEST_P(DecoderShapes, ComputesTheSameTokenByTokenWithACache) {
  torch::NoGradGuard no_grad;
  KvCache cache = model_.make_cache(2, 20);
  std::vector<Tensor> steps;
  // Pieces of several sizes: a prompt at once, then single tokens, then two.
  for (const auto& [first, size] : {std::pair{0, 9}, {9, 1}, {10, 1}, {11, 2}, {13, 7}}) {
    ForwardInput input{tokens_.narrow(1, first, size)};
    input.cache = &cache;
    steps.push_back(model_.logits(model_.hidden(input)));
  }
  EXPECT_EQ(cache.length, 20);
  EXPECT_LE(largest_difference(torch::cat(steps, 1), logits_of(model_, tokens_)), 1e-5);
}

// A prompt in parts, of which only the last token's logits are wanted.
TEST_P(DecoderShapes, ReadsAPromptInPieces) {
  const torch::NoGradGuard no_grad;
  ModelConfig config = tiny_config(GetParam());
  config.max_positions = 320;
  const Decoder model = tiny_decoder(config);
  const Tensor tokens = some_tokens(1, 301, 50);
  const Tensor whole = logits_of(model, tokens)[0];
  KvCache cache = model.make_cache(1, 310);
  for (const std::int64_t size : {140, 1, 159}) {
    const Tensor last = model.read(tokens[0].narrow(0, cache.length, size), cache);
    EXPECT_LE(largest_difference(model.logits(last)[0], whole[cache.length - 1]), 1e-5);
  }
  EXPECT_EQ(cache.length, 300);
  KvCache* const caches[]{&cache};
  const Tensor next = model.step(tokens[0].narrow(0, 300, 1), caches);
  EXPECT_LE(largest_difference(model.logits(next)[0], whole[300]), 1e-5);
}

TEST_P(DecoderShapes, ReadsNoMoreThanItHasPositionsFor) {
  const torch::NoGradGuard no_grad;
  const Tensor tokens = some_tokens(1, 65, 50)[0];
  KvCache cache = model_.make_cache(1, 70);
  model_.read(tokens.narrow(0, 0, 64), cache);
  EXPECT_THROW(model_.read(tokens.narrow(0, 64, 1), cache), c10::Error);
  EXPECT_THROW(model_.read(tokens.narrow(0, 0, 0), cache), c10::Error);
  EXPECT_EQ(cache.length, 64);
}

TEST_P(DecoderShapes, NeverLooksAhead) {
  Tensor changed = tokens_.clone();
  changed.narrow(1, 12, 8).add_(1).remainder_(50);
  const Tensor before = logits_of(model_, tokens_);
  const Tensor after = logits_of(model_, changed);
  EXPECT_EQ(largest_difference(before.narrow(1, 0, 12), after.narrow(1, 0, 12)), 0);
  EXPECT_GT(largest_difference(before.narrow(1, 12, 8), after.narrow(1, 12, 8)), 1e-3);
}

TEST_P(DecoderShapes, TokensOfABatchDoNotSeeEachOther) {
  const Tensor alone = logits_of(model_, tokens_.narrow(0, 1, 1));
  EXPECT_LE(largest_difference(alone, logits_of(model_, tokens_).narrow(0, 1, 1)), 1e-5);
}

// prompt | chosen | rejected in one sequence, where rejected sees the prompt but not chosen.
struct Packed {
  Tensor tokens, positions, mask;
};

Packed pack(const Tensor& prompt, const Tensor& chosen, const Tensor& rejected) {
  const std::int64_t p = prompt.size(1);
  const std::int64_t c = chosen.size(1);
  const std::int64_t r = rejected.size(1);
  const std::int64_t all = p + c + r;
  Tensor mask = torch::ones({1, 1, all, all}, torch::kBool).tril_();
  mask.narrow(2, p + c, r).narrow(3, p, c).fill_(false);
  const Tensor positions =
      torch::cat({torch::arange(p + c), torch::arange(p, p + r)}).unsqueeze(0).to(torch::kInt64);
  return {torch::cat({prompt, chosen, rejected}, 1), positions, mask};
}

TEST_P(DecoderShapes, APromptSharedByTwoCompletionsEqualsTwoSequences) {
  const Tensor prompt = some_tokens(1, 11, 50, 1);
  const Tensor chosen = some_tokens(1, 5, 50, 2);
  const Tensor rejected = some_tokens(1, 7, 50, 3);
  const Packed packed = pack(prompt, chosen, rejected);
  torch::NoGradGuard no_grad;
  const Tensor together =
      model_.logits(model_.hidden({packed.tokens, packed.positions, packed.mask}));
  const Tensor first = logits_of(model_, torch::cat({prompt, chosen}, 1));
  const Tensor second = logits_of(model_, torch::cat({prompt, rejected}, 1));
  EXPECT_LE(largest_difference(together.narrow(1, 0, 16), first), 1e-5);
  EXPECT_LE(largest_difference(together.narrow(1, 16, 7), second.narrow(1, 11, 7)), 1e-5);
}

TEST_P(DecoderShapes, TheSharedPromptHasTheGradientsOfTwoSequences) {
  const Tensor prompt = some_tokens(1, 11, 50, 1);
  const Tensor chosen = some_tokens(1, 5, 50, 2);
  const Tensor rejected = some_tokens(1, 7, 50, 3);
  for (auto& [name, tensor] : model_.tensors()) tensor.set_requires_grad(true);
  const auto gradients = [&](const Tensor& loss) {
    const std::vector<Tensor> out = torch::autograd::grad({loss}, model_.trainable());
    std::vector<Tensor> flat;
    flat.reserve(out.size());
    for (const Tensor& one : out) flat.push_back(one.reshape(-1));
    return torch::cat(flat);
  };
  const auto score = [&](const Tensor& rows) {
    return torch::log_softmax(model_.logits(rows), -1).select(-1, 7).sum();
  };
  const Packed packed = pack(prompt, chosen, rejected);
  const Tensor rows = model_.hidden({packed.tokens, packed.positions, packed.mask});
  const Tensor shared =
      gradients(score(rows.narrow(1, 11, 5)) - 0.5 * score(rows.narrow(1, 16, 7)));
  const Tensor a = model_.hidden({torch::cat({prompt, chosen}, 1)});
  const Tensor b = model_.hidden({torch::cat({prompt, rejected}, 1)});
  const Tensor apart = gradients(score(a.narrow(1, 11, 5)) - 0.5 * score(b.narrow(1, 11, 7)));
  EXPECT_LE(largest_difference(shared, apart) / apart.abs().max().item<double>(), 1e-5);
}

// In bfloat16 what is trained stays in float32, and the numbers are near those of float32.
TEST_P(DecoderShapes, InBfloat16IsNearFloat32) {
  add_random_adapter(model_, 4, false);
  for (Linear* linear : model_.linears()) {
    linear->a().set_requires_grad(true);
    linear->b().set_requires_grad(true);
  }
  const auto slopes = [&] {
    const Tensor loss = torch::log_softmax(
        model_.logits(model_.hidden({.tokens = tokens_})).to(torch::kFloat32), -1);
    std::vector<Tensor> flat{loss.detach().reshape(-1)};
    for (const Tensor& one : torch::autograd::grad({loss.select(-1, 3).mean()}, model_.trainable()))
      flat.push_back(one.reshape(-1));
    return flat;
  };
  const std::vector<Tensor> full = slopes();
  model_.compute_in(torch::kBFloat16);
  const std::vector<Tensor> half = slopes();
  for (std::size_t i = 0; i < full.size(); ++i) {
    EXPECT_EQ(half[i].scalar_type(), torch::kFloat32);
    EXPECT_GE(torch::cosine_similarity(full[i], half[i], 0).item<double>(), 0.98) << i;
  }
}

// As it is served: loaded in it, a prompt read, tokens taken one by one.
TEST_P(DecoderShapes, ServedInBfloat16IsNearFloat32) {
  const torch::NoGradGuard no_grad;
  const auto half = Decoder::from_tensors(model_.config(), model_.tensors(), torch::kBFloat16);
  ASSERT_TRUE(half) << half.error();
  EXPECT_EQ(half->computes_in(), torch::kBFloat16);
  const Tensor whole = torch::log_softmax(logits_of(model_, tokens_.narrow(0, 0, 1))[0], -1);
  KvCache cache = half->make_cache(1, 20);
  EXPECT_EQ(cache.keys.front().scalar_type(), torch::kBFloat16);
  const auto expect_near = [&](const Tensor& hidden) {
    const Tensor is = torch::log_softmax(half->logits(hidden)[0].to(torch::kFloat32), -1);
    EXPECT_LE(largest_difference(is, whole[cache.length - 1]), 0.1) << cache.length;
  };
  expect_near(half->read(tokens_[0].narrow(0, 0, 11), cache));
  KvCache* const caches[]{&cache};
  while (cache.length < 20) expect_near(half->step(tokens_[0].narrow(0, cache.length, 1), caches));
}

// Two prompts, one of them with two completions, asked for behind the prompts alone.
TEST_P(DecoderShapes, PackedTextsEqualSeparateOnes) {
  const Tensor prompt = some_tokens(1, 11, 50, 1);
  const Tensor chosen = some_tokens(1, 5, 50, 2);
  const Tensor rejected = some_tokens(1, 7, 50, 3);
  const Tensor other = some_tokens(1, 9, 50, 4);
  for (auto& [name, tensor] : model_.tensors()) tensor.set_requires_grad(true);
  const auto packed = c10::make_intrusive<PackedText>(
      std::vector<PackedGroup>{{11, {5, 7}, 10}, {9, {}, 8}}, torch::kCPU);
  const Tensor together = model_.hidden(
      {.tokens = torch::cat({prompt, chosen, rejected, other}, 1), .packed = packed})[0];
  const Tensor a = model_.hidden({torch::cat({prompt, chosen}, 1)})[0];
  const Tensor b = model_.hidden({torch::cat({prompt, rejected}, 1)})[0];
  const Tensor c = model_.hidden({other})[0];
  const Tensor apart = torch::cat({a.narrow(0, 10, 6), b.narrow(0, 11, 7), c.narrow(0, 8, 1)}, 0);
  EXPECT_LE(largest_difference(together, apart), 1e-5);
  const Tensor along = torch::randn_like(apart);
  const auto slopes = [&](const Tensor& hidden) {
    const auto each = torch::autograd::grad({(hidden * along).sum()}, model_.trainable(), {}, {},
                                            false, /*allow_unused=*/true);
    std::vector<Tensor> flat;
    for (const Tensor& one : each)
      if (one.defined()) flat.push_back(one.reshape(-1));
    return torch::cat(flat);
  };
  const Tensor wanted = slopes(apart);
  EXPECT_LE(largest_difference(slopes(together), wanted) / wanted.abs().max().item<double>(), 1e-5);
}

TEST_P(DecoderShapes, GroupedHeadsEqualRepeatedHeads) {
  NamedTensors tensors = model_.tensors();
  ModelConfig config = model_.config();
  const std::int64_t group = config.heads / config.kv_heads;
  for (auto& [name, tensor] : tensors) {
    if (name.find(".k_proj.") == std::string::npos && name.find(".v_proj.") == std::string::npos)
      continue;
    std::vector<std::int64_t> by_head = tensor.sizes().vec();
    by_head.front() = config.head_dim;
    by_head.insert(by_head.begin(), config.kv_heads);
    std::vector<std::int64_t> whole = tensor.sizes().vec();
    whole.front() *= group;
    tensor = tensor.reshape(by_head).repeat_interleave(group, 0).reshape(whole);
  }
  config.kv_heads = config.heads;
  const auto repeated = Decoder::from_tensors(config, tensors);
  ASSERT_TRUE(repeated) << repeated.error();
  EXPECT_LE(largest_difference(logits_of(*repeated, tokens_), logits_of(model_, tokens_)), 1e-5);
}

TEST_P(DecoderShapes, AFreshAdapterChangesNothing) {
  const Tensor base = logits_of(model_, tokens_);
  add_random_adapter(model_, 4, /*zero_b=*/true);
  EXPECT_EQ(largest_difference(logits_of(model_, tokens_), base), 0);
}

TEST_P(DecoderShapes, WithTheAdapterOffItIsTheBaseBitForBit) {
  const Tensor base = logits_of(model_, tokens_);
  add_random_adapter(model_, 4, /*zero_b=*/false);
  EXPECT_GT(largest_difference(logits_of(model_, tokens_), base), 1e-2);
  model_.use_adapter(false);
  EXPECT_TRUE(torch::equal(logits_of(model_, tokens_), base));
  model_.use_adapter(true);
  for (Linear* linear : model_.linears()) linear->remove_adapter();
  EXPECT_TRUE(torch::equal(logits_of(model_, tokens_), base));
}

TEST_P(DecoderShapes, MergedWeightsEqualTheAdapter) {
  add_random_adapter(model_, 4, /*zero_b=*/false);
  const auto merged = Decoder::from_tensors(model_.config(), model_.merged_tensors());
  ASSERT_TRUE(merged) << merged.error();
  EXPECT_LE(largest_difference(logits_of(*merged, tokens_), logits_of(model_, tokens_)), 1e-4);
}

TEST_P(DecoderShapes, GradientsReachEveryWeightAndAreRight) {
  for (auto& [name, tensor] : model_.tensors()) tensor.set_requires_grad(true);
  const auto loss = [&] {
    return torch::log_softmax(model_.logits(model_.hidden({tokens_})), -1).select(-1, 3).mean();
  };
  loss().backward();
  for (auto& [name, tensor] : model_.tensors()) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    // A central difference along the gradient's own direction.
    const Tensor direction = tensor.grad() / tensor.grad().norm();
    const double expected = (tensor.grad() * direction).sum().item<double>();
    torch::NoGradGuard no_grad;
    constexpr double kStep = 3e-3;
    tensor.add_(direction, kStep);
    const double up = loss().item<double>();
    tensor.sub_(direction, 2 * kStep);
    const double down = loss().item<double>();
    tensor.add_(direction, kStep);
    EXPECT_NEAR((up - down) / (2 * kStep), expected, 2e-3 + 0.03 * expected) << name;
  }
}

TEST_P(DecoderShapes, AReplicaSharesWeightsAndHasItsOwnGradients) {
  for (auto& [name, tensor] : model_.tensors()) tensor.set_requires_grad(true);
  Decoder replica = model_.replica();
  ASSERT_EQ(replica.trainable().size(), model_.trainable().size());
  replica.hidden({tokens_}).sum().backward();
  for (std::size_t i = 0; i < model_.trainable().size(); ++i) {
    EXPECT_EQ(replica.trainable()[i].data_ptr(), model_.trainable()[i].data_ptr());
    EXPECT_FALSE(model_.trainable()[i].grad().defined());
  }
}

TEST(Decoder, LinearRopeScalingDividesPositions) {
  ModelConfig config = tiny_config();
  const Decoder plain = tiny_decoder(config);
  config.rope.scaling = RopeScaling::kLinear;
  config.rope.factor = 2;
  const Decoder scaled = tiny_decoder(config);
  const Tensor tokens = some_tokens(1, 10, 50);
  const Tensor even = torch::arange(0, 20, 2, torch::kInt64).unsqueeze(0);
  torch::NoGradGuard no_grad;
  EXPECT_LE(largest_difference(scaled.hidden({tokens, even}), plain.hidden({tokens})), 1e-5);
}

TEST(Decoder, RefusesASequenceLongerThanItsPositions) {
  const Decoder model = tiny_decoder(tiny_config());
  EXPECT_THROW(model.hidden({some_tokens(1, 65, 50)}), std::exception);
}

TEST(Decoder, RandomWeightsFollowFromTheSeed) {
  const NamedTensors a = Decoder::random(tiny_config(), 1).tensors();
  const NamedTensors b = Decoder::random(tiny_config(), 1).tensors();
  const NamedTensors c = Decoder::random(tiny_config(), 2).tensors();
  EXPECT_TRUE(torch::equal(a.at("model.embed_tokens.weight"), b.at("model.embed_tokens.weight")));
  EXPECT_FALSE(torch::equal(a.at("model.embed_tokens.weight"), c.at("model.embed_tokens.weight")));
}

TEST(Decoder, CountsItsParameters) {
  for (const bool tied : {true, false})
    for (const char* family : {"qwen2", "qwen3", "starcoder2"}) {
      ModelConfig config = tiny_config(family);
      config.tied_head = tied;
      std::int64_t count = 0;
      for (const auto& [name, tensor] : Decoder::random(config, 1).tensors())
        count += tensor.numel();
      EXPECT_EQ(count, parameter_count(config));
    }
}

struct Misfit {
  const char* what;
  std::function<void(NamedTensors&)> spoil;
  const char* message;
};

TEST(Decoder, NamesWhatDoesNotFit) {
  const Misfit kMisfits[] = {
      {"missing", [](NamedTensors& t) { t.erase("model.layers.1.mlp.up_proj.weight"); },
       "'model.layers.1.mlp.up_proj.weight' is missing"},
      {"shape", [](NamedTensors& t) { t["model.norm.weight"] = torch::ones({7}); },
       "'model.norm.weight' has shape [7], config.json wants [24]"},
      {"extra",
       [](NamedTensors& t) { t["model.layers.0.self_attn.q_norm.weight"] = torch::ones(6); },
       "'model.layers.0.self_attn.q_norm.weight' is not one this architecture has"},
      {"another layer",
       [](NamedTensors& t) {
         t["model.layers.2.mlp.up_proj.weight"] = torch::ones({40, 24});
       },
       "'model.layers.2.mlp.up_proj.weight' is not one"},
      {"extra after an old buffer",
       [](NamedTensors& t) {
         t["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch::ones(3);
         t["z"] = torch::ones(3);
       },
       "'z' is not one"},
  };
  for (const Misfit& misfit : kMisfits) {
    NamedTensors tensors = Decoder::random(tiny_config(), 1).tensors();
    misfit.spoil(tensors);
    const auto loaded = Decoder::from_tensors(tiny_config(), std::move(tensors));
    ASSERT_FALSE(loaded) << misfit.what;
    EXPECT_THAT(loaded.error(), HasSubstr(misfit.message)) << misfit.what;
  }
}

TEST(Decoder, OldBuffersAndARepeatedTiedHeadAreNoFault) {
  NamedTensors tensors = Decoder::random(tiny_config(), 1).tensors();
  tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"];
  tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch::ones(3);
  EXPECT_TRUE(Decoder::from_tensors(tiny_config(), std::move(tensors)));
}

// What transformers computes from the same files; golden/make_golden.py made them.
class Golden : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Checkpoints, Golden,
                         testing::Values("llama", "llama_tied_linear_rope",
                                         "llama_biases_llama3_rope", "llama_yarn",
                                         "llama_yarn_mscale", "llama_dynamic_rope", "mistral",
                                         "qwen2", "qwen3", "starcoder2"));

TEST_P(Golden, LogitsEqualTheReferenceImplementations) {
  const std::string folder = std::string(STROP_TESTS_DIR) + "/trainer/golden/" + GetParam();
  const auto model = Decoder::load(folder);
  ASSERT_TRUE(model) << model.error();
  const auto expected = read_safetensors(folder + "/expected.safetensors");
  ASSERT_TRUE(expected) << expected.error();
  EXPECT_LE(largest_difference(logits_of(*model, expected->at("tokens")), expected->at("logits")),
            1e-4);
}

}  // namespace
}  // namespace strop::trainer
