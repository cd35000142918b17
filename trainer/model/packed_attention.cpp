#include "trainer/model/packed_attention.h"

#include "trainer/model/wide.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const std::vector<PackedText::Block>& blocks_of(const PackedText& text, Queries queries) {
  return queries == Queries::kAll ? text.blocks() : text.asked_blocks();
}

// Query heads that share a key head stand below each other: [H, N, D] → [G, H/G · rows, D].
Tensor rows_of(const Tensor& t, const PackedText::Block& block, std::int64_t key_heads) {
  const std::int64_t group = t.size(0) / key_heads;
  return t.view({key_heads, group, t.size(1), t.size(2)})
      .narrow(2, block.query, block.rows)
      .reshape({key_heads, group * block.rows, t.size(2)});
}

void put_rows(Tensor& t, const PackedText::Block& block, const Tensor& rows) {
  const std::int64_t key_heads = rows.size(0);
  const std::int64_t group = t.size(0) / key_heads;
  t.view({key_heads, group, t.size(1), t.size(2)})
      .narrow(2, block.query, block.rows)
      .copy_(rows.view({key_heads, group, block.rows, t.size(2)}));
}

Tensor keys_of(const Tensor& t, const PackedText::Block& block) {
  return t.narrow(1, block.key, block.keys);
}

// What each query thinks of each key, [G, H/G · rows, keys]; the softmax is in float32 at least.
Tensor shares(const Tensor& q, const Tensor& k, const PackedText::Block& block) {
  Tensor scores = torch::bmm(q, k.transpose(1, 2));
  const std::int64_t masked = block.bias.size(1);
  scores.view({scores.size(0), -1, block.rows, block.keys})
      .narrow(3, block.keys - masked, masked)
      .add_(block.bias);
  return torch::softmax(wide(scores), -1);
}

Tensor wide_zeros(const Tensor& t) {
  return torch::zeros(t.sizes(),
                      t.element_size() < 4 ? t.options().dtype(torch::kFloat32) : t.options());
}

// Sums of half precision are kept in full: a key has a part from every block behind it.
void add_product(const Tensor& sum, const Tensor& a, const Tensor& b) {
  if (sum.scalar_type() == a.scalar_type())
    sum.baddbmm_(a, b);
  else
    sum.add_(torch::bmm(a, b));
}

class PackedAttention : public torch::autograd::Function<PackedAttention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& queries, const Tensor& keys,
                        const Tensor& values, const c10::intrusive_ptr<PackedText>& text,
                        Queries which) {
    const Tensor q = queries.contiguous();
    const Tensor k = keys.contiguous();
    const Tensor v = values.contiguous();
    Tensor out = torch::empty_like(q);
    for (const PackedText::Block& block : blocks_of(*text, which)) {
      const Tensor share = shares(rows_of(q, block, k.size(0)), keys_of(k, block), block);
      put_rows(out, block, torch::bmm(share.to(v.scalar_type()), keys_of(v, block)));
    }
    context->save_for_backward({q, k, v});
    context->saved_data["text"] = c10::IValue::make_capsule(text);
    context->saved_data["asked"] = which == Queries::kAsked;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& q = saved[0];
    const Tensor& k = saved[1];
    const Tensor& v = saved[2];
    const auto capsule = context->saved_data["text"].toCapsule();
    const auto& text = static_cast<const PackedText&>(*capsule);
    const Queries which = context->saved_data["asked"].toBool() ? Queries::kAsked : Queries::kAll;
    const Tensor gradient = gradients[0].contiguous();
    const auto type = q.scalar_type();
    Tensor dq = torch::empty_like(q);
    const Tensor dk = wide_zeros(k);
    const Tensor dv = wide_zeros(v);
    for (const PackedText::Block& block : blocks_of(text, which)) {
      const Tensor block_q = rows_of(q, block, k.size(0));
      const Tensor block_gradient = rows_of(gradient, block, k.size(0));
      const Tensor share = shares(block_q, keys_of(k, block), block);
      add_product(keys_of(dv, block), share.to(type).transpose(1, 2), block_gradient);
      const Tensor dshare = torch::bmm(block_gradient, keys_of(v, block).transpose(1, 2));
      const Tensor dscores =
          at::_softmax_backward_data(dshare.to(share.scalar_type()), share, -1, share.scalar_type())
              .to(type);
      put_rows(dq, block, torch::bmm(dscores, keys_of(k, block)));
      add_product(keys_of(dk, block), dscores.transpose(1, 2), block_q);
    }
    return {dq, dk.to(type), dv.to(type), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor packed_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        const c10::intrusive_ptr<PackedText>& text, Queries queries) {
  return PackedAttention::apply(q, k, v, text, queries);
}

}  // namespace strop::trainer
