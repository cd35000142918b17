// Attention by blocks over packed texts, against attention with one mask over all of them.
#include "trainer/model/packed_attention.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr std::int64_t kHeads = 6;
constexpr std::int64_t kKeyHeads = 2;
constexpr std::int64_t kDim = 8;

// [T, T], true where a query may look: within its group, at the prompt and at its own completion.
Tensor mask_of(const std::vector<PackedGroup>& groups) {
  std::vector<std::int64_t> group;
  std::vector<std::int64_t> part;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto add = [&](std::int64_t count, std::int64_t which) {
      group.insert(group.end(), static_cast<std::size_t>(count), static_cast<std::int64_t>(i));
      part.insert(part.end(), static_cast<std::size_t>(count), which);
    };
    add(groups[i].prompt, 0);
    for (std::size_t c = 0; c < groups[i].completions.size(); ++c)
      add(groups[i].completions[c], static_cast<std::int64_t>(c) + 1);
  }
  const Tensor of_group = torch::tensor(group);
  const Tensor of_part = torch::tensor(part);
  const auto size = static_cast<std::int64_t>(group.size());
  return (of_group.unsqueeze(0) == of_group.unsqueeze(1)) &
         ((of_part.unsqueeze(0) == 0) | (of_part.unsqueeze(0) == of_part.unsqueeze(1))) &
         torch::ones({size, size}, torch::kBool).tril();
}

Tensor by_one_mask(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  const auto repeat = [](const Tensor& t) { return t.repeat_interleave(kHeads / kKeyHeads, 0); };
  const Tensor scores =
      torch::bmm(q, repeat(k).transpose(1, 2))
          .masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
  return torch::bmm(torch::softmax(scores, -1), repeat(v));
}

class PackedAttention : public testing::TestWithParam<std::vector<PackedGroup>> {
 protected:
  PackedAttention() {
    torch::manual_seed(4);
    const auto random = [&](std::int64_t heads) {
      return torch::randn({heads, text_->tokens(), kDim}, torch::kFloat64).requires_grad_();
    };
    q_ = random(kHeads);
    k_ = random(kKeyHeads);
    v_ = random(kKeyHeads);
  }
  static void expect_equal(const std::vector<Tensor>& are, const std::vector<Tensor>& should) {
    for (std::size_t i = 0; i < are.size(); ++i)
      EXPECT_LE(largest_difference(are[i], should[i]), 1e-12) << i;
  }

  c10::intrusive_ptr<PackedText> text_ = c10::make_intrusive<PackedText>(GetParam(), torch::kCPU);
  Tensor q_;
  Tensor k_;
  Tensor v_;
};

INSTANTIATE_TEST_SUITE_P(
    Groups, PackedAttention,
    testing::Values(
        std::vector<PackedGroup>{{7, {4, 3}, 6}}, std::vector<PackedGroup>{{7, {0, 0}, 6}},
        std::vector<PackedGroup>{{1, {0, 0}, 0}}, std::vector<PackedGroup>{{5, {4, 3}, 7}},
        std::vector<PackedGroup>{{5, {4, 3}, 10}}, std::vector<PackedGroup>{{1, {}, 0}},
        std::vector<PackedGroup>{{300, {5, 0, 130, 1}, 299}, {3, {2}, 0}, {128, {}, 127}},
        std::vector<PackedGroup>{{129, {100, 100, 100}, 128}, {129, {2}, 0}}));

TEST_P(PackedAttention, IsAttentionUnderOneMask) {
  const Tensor out = packed_attention(q_, k_, v_, text_, Queries::kAll);
  const Tensor wanted = by_one_mask(q_, k_, v_, mask_of(GetParam()));
  const Tensor along = torch::randn_like(out);
  expect_equal({out}, {wanted});
  expect_equal(torch::autograd::grad({(out * along).sum()}, {q_, k_, v_}),
               torch::autograd::grad({(wanted * along).sum()}, {q_, k_, v_}));
}

TEST_P(PackedAttention, OfTheQueriesAskedForIsThatPartOfAll) {
  const Tensor asked = text_->asked().defined() ? text_->asked() : torch::arange(text_->tokens());
  const Tensor out = packed_attention(q_.index_select(1, asked), k_, v_, text_, Queries::kAsked);
  const Tensor wanted = packed_attention(q_, k_, v_, text_, Queries::kAll).index_select(1, asked);
  const Tensor along = torch::randn_like(out);
  expect_equal({out}, {wanted});
  expect_equal(torch::autograd::grad({(out * along).sum()}, {q_, k_, v_}),
               torch::autograd::grad({(wanted * along).sum()}, {q_, k_, v_}));
}

// Each sequence by itself: its queries end with its last key.
Tensor by_sequences(const Tensor& q, const Tensor& k, const Tensor& v,
                    const PackedText::Sequences& sequences) {
  const auto end = [](const Tensor& ends, std::int64_t i) { return ends[i].item<std::int64_t>(); };
  std::vector<Tensor> out;
  std::int64_t most_queries = 0;
  std::int64_t most_keys = 0;
  const Tensor all_keys =
      sequences.keys.defined() ? sequences.keys : torch::arange(k.size(1), torch::kInt64);
  for (std::int64_t i = 0; i + 1 < sequences.query_ends.size(0); ++i) {
    const std::int64_t first = end(sequences.query_ends, i);
    const std::int64_t queries = end(sequences.query_ends, i + 1) - first;
    const Tensor here =
        all_keys.slice(0, end(sequences.key_ends, i), end(sequences.key_ends, i + 1));
    const std::int64_t keys = here.size(0);
    out.push_back(by_one_mask(q.narrow(1, first, queries), k.index_select(1, here),
                              v.index_select(1, here),
                              torch::ones({queries, keys}, torch::kBool).tril(keys - queries)));
    most_queries = std::max(most_queries, queries);
    most_keys = std::max(most_keys, keys);
  }
  EXPECT_EQ(sequences.most_queries, most_queries);
  EXPECT_EQ(sequences.most_keys, most_keys);
  return torch::cat(out, 1);
}

TEST_P(PackedAttention, OfTheSequencesIsTheSame) {
  const Tensor all = packed_attention(q_, k_, v_, text_, Queries::kAll);
  expect_equal({by_sequences(q_, k_, v_, text_->sequences())}, {all});
  if (!text_->asked().defined()) return;
  expect_equal({by_sequences(q_.index_select(1, text_->asked()), k_, v_, text_->asked_sequences())},
               {all.index_select(1, text_->asked())});
}

// In float32 each key head by itself, where that is faster.
TEST(PackedAttentionOfManyRows, IsAttentionUnderOneMask) {
  torch::manual_seed(4);
  const std::vector<PackedGroup> groups{{400, {70, 30}, 399}, {200, {3}, 0}};
  const auto text = c10::make_intrusive<PackedText>(groups, torch::kCPU);
  std::vector<Tensor> exact;
  std::vector<Tensor> in;
  for (const std::int64_t heads : {kHeads, kKeyHeads, kKeyHeads}) {
    const double scale = heads == kHeads ? 0.125 : 1;
    exact.push_back(torch::randn({heads, text->tokens(), 64}, torch::kFloat64).mul_(scale));
    in.push_back(exact.back().to(torch::kFloat32).requires_grad_());
    exact.back().requires_grad_();
  }
  const Tensor out = packed_attention(in[0], in[1], in[2], text, Queries::kAll);
  const Tensor wanted = by_one_mask(exact[0], exact[1], exact[2], mask_of(groups));
  const Tensor along = torch::randn_like(wanted);
  EXPECT_LE(largest_difference(out, wanted), 1e-5);
  const auto are = torch::autograd::grad({(out * along.to(torch::kFloat32)).sum()}, in);
  const auto should = torch::autograd::grad({(wanted * along).sum()}, exact);
  for (std::size_t i = 0; i < are.size(); ++i)
    EXPECT_LE(largest_difference(are[i], should[i]), 1e-4) << i;
}

// On a GPU by its own kernels.
TEST_P(PackedAttention, InBfloat16IsNearTheWhole) {
  const auto far = [](const Tensor& is, const Tensor& should) {
    const Tensor difference = is.to(torch::kCPU, torch::kFloat64) - should;
    return (difference.norm() / (should.norm() + 1e-3)).item<double>();
  };
  for (const Queries queries : {Queries::kAll, Queries::kAsked}) {
    const bool some = queries == Queries::kAsked && text_->asked().defined();
    const Tensor q = some ? q_.detach().index_select(1, text_->asked()).requires_grad_() : q_;
    const Tensor wanted = packed_attention(q, k_, v_, text_, queries);
    const Tensor along = torch::randn_like(wanted);
    const auto slopes = torch::autograd::grad({(wanted * along).sum()}, {q, k_, v_});
    for (const torch::Device device : devices_here()) {
      const auto half = [&](const Tensor& t) { return t.detach().to(device).to(torch::kBFloat16); };
      std::vector<Tensor> in;
      for (const Tensor& one : {q, k_, v_}) in.push_back(half(one).requires_grad_());
      const auto text =
          PackedText::on(device, text_, attends_by_sequences(device, torch::kBFloat16, kDim));
      const Tensor out = packed_attention(in[0], in[1], in[2], text, queries);
      EXPECT_LE(far(out.detach(), wanted.detach()), 2e-2) << device;
      const auto are = torch::autograd::grad({(out * half(along)).sum()}, in);
      for (std::size_t i = 0; i < are.size(); ++i)
        EXPECT_LE(far(are[i], slopes[i]), 3e-2) << device << ' ' << i;
    }
  }
}

TEST(PackedText, KnowsPositionsAndWhatIsAskedFor) {
  const PackedText text({{3, {2, 1}, 2}, {4, {1}, 0}}, torch::kCPU);
  EXPECT_EQ(text.tokens(), 11);
  EXPECT_TRUE(torch::equal(text.positions(), torch::tensor({0, 1, 2, 3, 4, 3, 0, 1, 2, 3, 4})));
  EXPECT_TRUE(torch::equal(text.asked(), torch::tensor({2, 3, 4, 5, 6, 7, 8, 9, 10})));
}

}  // namespace
}  // namespace strop::trainer
