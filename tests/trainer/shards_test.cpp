// Shards: gradients are those of the whole batch, the same bits for any number of threads.
#include "trainer/shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tiny_model.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

Decoder trainable_model() {
  Decoder out = tiny_decoder(tiny_config());
  for (auto& [name, tensor] : out.tensors()) tensor.set_requires_grad(true);
  return out;
}

Tensor loss_of(const Decoder& model, const Tensor& tokens) {
  return torch::log_softmax(model.logits(model.hidden({tokens})), -1).select(-1, 3).sum();
}

std::vector<Tensor> gradients(int threads, int rounds = 1) {
  Decoder model = trainable_model();
  const Tensor tokens = some_tokens(12, 9, 50);
  Shards shards(model, threads);
  for (int round = 0; round < rounds; ++round)
    shards.run(6, [&](Decoder& replica, int shard) {
      loss_of(replica, tokens.narrow(0, shard * 2, 2)).backward();
    });
  std::vector<Tensor> out;
  for (const Tensor& parameter : model.trainable()) out.push_back(parameter.grad());
  return out;
}

TEST(Shards, GradientsAreThoseOfTheWholeBatch) {
  Decoder model = trainable_model();
  loss_of(model, some_tokens(12, 9, 50)).backward();
  const std::vector<Tensor> sharded = gradients(2);
  for (std::size_t i = 0; i < sharded.size(); ++i) {
    const Tensor whole = model.trainable()[i].grad();
    EXPECT_LE(largest_difference(whole, sharded[i]), 1e-5 * (1 + whole.abs().max().item<double>()));
  }
}

TEST(Shards, TheNumberOfThreadsChangesNoBit) {
  const std::vector<Tensor> one = gradients(1);
  for (const int threads : {2, 3, 8}) {
    const std::vector<Tensor> many = gradients(threads);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], many[i]));
  }
}

TEST(Shards, RoundsAddUp) {
  const std::vector<Tensor> one = gradients(2, 1);
  const std::vector<Tensor> two = gradients(2, 2);
  for (std::size_t i = 0; i < one.size(); ++i)
    EXPECT_TRUE(torch::allclose(one[i] * 2, two[i], 1e-4, 1e-5));
}

TEST(Shards, AnAdapterTrainsWhileTheBaseIsFrozen) {
  Decoder model = tiny_decoder(tiny_config());
  add_random_adapter(model, 2, /*zero_b=*/false);
  for (Linear* linear : model.linears()) {
    linear->a().set_requires_grad(true);
    linear->b().set_requires_grad(true);
  }
  Shards shards(model, 2);
  shards.run(3, [&](Decoder& replica, int shard) {
    loss_of(replica, some_tokens(1, 8, 50, static_cast<std::uint64_t>(shard))).backward();
  });
  ASSERT_EQ(model.trainable().size(), 2 * model.linears().size());
  for (const Tensor& parameter : model.trainable())
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0);
}

TEST(Shards, ReplicasFollowAnUpdateOfTheModel) {
  Decoder model = trainable_model();
  Shards shards(model, 2);
  {
    torch::NoGradGuard no_grad;
    for (Tensor& parameter : model.trainable()) parameter.mul_(0.5);
  }
  const Tensor tokens = some_tokens(1, 8, 50);
  const double expected = loss_of(model, tokens).item<double>();
  std::vector<double> seen(4);
  shards.run(4, [&](Decoder& replica, int shard) {
    seen[static_cast<std::size_t>(shard)] = loss_of(replica, tokens).item<double>();
  });
  EXPECT_THAT(seen, testing::Each(expected));
}

TEST(Shards, AnExceptionComesBackAndTheNextRunWorks) {
  Decoder model = trainable_model();
  Shards shards(model, 2);
  EXPECT_THROW(shards.run(5,
                          [](Decoder&, int shard) {
                            if (shard == 3) throw std::runtime_error("shard 3");
                          }),
               std::runtime_error);
  std::atomic<int> calls = 0;
  shards.run(5, [&](Decoder&, int) { ++calls; });
  EXPECT_EQ(calls, 5);
}

}  // namespace
}  // namespace strop::trainer
