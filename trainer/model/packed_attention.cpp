#include "trainer/model/packed_attention.h"

#include <cmath>
#include <map>
#include <mutex>
#include <tuple>

#include "trainer/model/affine.h"
#include "trainer/model/torch_version.h"
#include "trainer/model/wide.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const std::vector<PackedText::Block>& blocks_of(const PackedText& text, Queries queries) {
  return queries == Queries::kAll ? text.blocks() : text.asked_blocks();
}

// Below so many multiplications a product by itself costs more before it starts than it saves.
constexpr std::int64_t kLargeProduct = 1 << 22;

// A block and the key heads that are computed at once.
struct Part {
  const PackedText::Block& block;
  std::int64_t head = 0;
  std::int64_t heads = 0;
  bool alone = false;  // one head, by affine()
};

// Whether affine() has a faster way to a head's products than a batch has. Whole blocks alone: what
// is made ready for a shape is kept for the next text, and every text has blocks of these.
bool is_faster_alone(const PackedText::Block& block, const Tensor& q, const Tensor& k) {
  const std::int64_t rows = q.size(0) / k.size(0) * block.rows;
  return block.rows == PackedText::kBlockRows && rows * block.keys * k.size(2) >= kLargeProduct &&
         is_affine_faster(rows, k[0].narrow(0, block.key, block.keys));
}

template <typename F>
void for_each_part(const std::vector<PackedText::Block>& blocks, const Tensor& q, const Tensor& k,
                   const F& f) {
  for (const PackedText::Block& block : blocks) {
    const bool alone = is_faster_alone(block, q, k);
    const std::int64_t heads = alone ? 1 : k.size(0);
    for (std::int64_t head = 0; head < k.size(0); head += heads) f(Part{block, head, heads, alone});
  }
}

// Query heads that share a key head stand below each other: [H, N, D] → [heads, H/G · rows, D].
Tensor rows_of(const Tensor& t, const Part& part, std::int64_t key_heads) {
  const std::int64_t group = t.size(0) / key_heads;
  return t.view({key_heads, group, t.size(1), t.size(2)})
      .narrow(0, part.head, part.heads)
      .narrow(2, part.block.query, part.block.rows)
      .reshape({part.heads, group * part.block.rows, t.size(2)});
}

void put_rows(Tensor& t, const Part& part, std::int64_t key_heads, const Tensor& rows) {
  const std::int64_t group = t.size(0) / key_heads;
  t.view({key_heads, group, t.size(1), t.size(2)})
      .narrow(0, part.head, part.heads)
      .narrow(2, part.block.query, part.block.rows)
      .copy_(rows.view({part.heads, group, part.block.rows, t.size(2)}));
}

Tensor keys_of(const Tensor& t, const Part& part) {
  return t.narrow(0, part.head, part.heads).narrow(1, part.block.key, part.block.keys);
}

// a·bᵀ of each head.
Tensor product(const Tensor& a, const Tensor& b, const Part& part) {
  return part.alone ? affine(a[0], b[0], {}).unsqueeze(0) : torch::bmm(a, b.transpose(1, 2));
}

// What each query thinks of each key, [heads, H/G · rows, keys]; the softmax is in float32 at
// least.
Tensor shares(const Tensor& q, const Tensor& k, const Part& part) {
  const PackedText::Block& block = part.block;
  Tensor scores = product(q, k, part);
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

class BlockAttention : public torch::autograd::Function<BlockAttention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& queries, const Tensor& keys,
                        const Tensor& values, const c10::intrusive_ptr<PackedText>& text,
                        Queries which) {
    const Tensor q = queries.contiguous();
    const Tensor k = keys.contiguous();
    const Tensor v = values.contiguous();
    Tensor out = torch::empty_like(q);
    for_each_part(blocks_of(*text, which), q, k, [&](const Part& part) {
      const Tensor share = shares(rows_of(q, part, k.size(0)), keys_of(k, part), part);
      put_rows(out, part, k.size(0),
               product(share.to(v.scalar_type()), keys_of(v, part).transpose(1, 2), part));
    });
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
    for_each_part(blocks_of(text, which), q, k, [&](const Part& part) {
      const Tensor part_q = rows_of(q, part, k.size(0));
      const Tensor part_gradient = rows_of(gradient, part, k.size(0));
      const Tensor share = shares(part_q, keys_of(k, part), part);
      add_product(keys_of(dv, part), share.to(type).transpose(1, 2), part_gradient);
      const Tensor dshare = product(part_gradient, keys_of(v, part), part);
      const Tensor dscores =
          at::_softmax_backward_data(dshare.to(share.scalar_type()), share, -1, share.scalar_type())
              .to(type);
      put_rows(dq, part, k.size(0), product(dscores, keys_of(k, part).transpose(1, 2), part));
      add_product(keys_of(dk, part), dscores.transpose(1, 2), part_q);
    });
    return {dq, dk.to(type), dv.to(type), Tensor(), Tensor()};
  }
};

#if STROP_HAS_FLASH_ATTENTION

// A prompt's key has a part from each of its completions: their sum is kept in full.
Tensor keys_by_sequence(const Tensor& t, const PackedText::Sequences& sequences) {
  if (!sequences.keys.defined()) return t.transpose(0, 1);
  return wide(t.transpose(0, 1)).index_select(0, sequences.keys).to(t.scalar_type());
}

// Its causal mask ends with the last key, as a sequence's queries do.
Tensor by_sequences(const Tensor& q, const Tensor& k, const Tensor& v,
                    const PackedText::Sequences& sequences) {
  const auto result = at::_flash_attention_forward(
      q.transpose(0, 1), keys_by_sequence(k, sequences), keys_by_sequence(v, sequences),
      sequences.query_ends, sequences.key_ends, sequences.most_queries, sequences.most_keys,
      /*dropout_p=*/0, /*is_causal=*/true, /*return_debug_mask=*/false, /*scale=*/1.0);
  return std::get<0>(result).transpose(0, 1);
}

// What both ways make of a small text and its gradients, to eight bits.
bool sequences_are_right(torch::Device device, torch::ScalarType type, std::int64_t head_dim) {
  const c10::InferenceMode no_inference(false);  // a server may be what asks first
  const torch::AutoGradMode with_gradients(true);
  const std::vector<PackedGroup> groups{{37, {5, 9, 4}, 36}, {3, {2}, 0}};
  const auto text = c10::make_intrusive<PackedText>(groups, device);
  const auto numbers = [&](std::int64_t heads, double slope) {
    const Tensor out = torch::arange(heads * text->tokens() * head_dim, torch::kFloat32) * slope;
    return torch::sin(out).view({heads, text->tokens(), head_dim}).to(device).to(type);
  };
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  const std::vector<Tensor> in{numbers(4, 0.7) * scale, numbers(2, 1.3), numbers(2, 0.9)};
  for (const Tensor& tensor : in) tensor.set_requires_grad(true);
  const auto made_of = [&](const Tensor& out) {
    std::vector<Tensor> made = torch::autograd::grad({out}, in, {numbers(4, 1.1)});
    made.push_back(out.detach());
    return made;
  };
  try {
    const auto is = made_of(by_sequences(in[0], in[1], in[2], text->sequences()));
    const auto should = made_of(BlockAttention::apply(in[0], in[1], in[2], text, Queries::kAll));
    for (std::size_t i = 0; i < is.size(); ++i)
      if (!torch::allclose(is[i].to(torch::kFloat32), should[i].to(torch::kFloat32), 1.0 / 32,
                           2e-2))
        return false;
    return true;
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error&) {  // no kernel for this GPU
    return false;
  }
}

#endif

}  // namespace

bool attends_by_sequences(torch::Device device, torch::ScalarType type, std::int64_t head_dim) {
#if STROP_HAS_FLASH_ATTENTION
  if (!device.is_cuda() || c10::elementSize(type) != 2) return false;
  static std::mutex mutex;
  static std::map<std::tuple<torch::DeviceIndex, torch::ScalarType, std::int64_t>, bool> known;
  const std::lock_guard lock(mutex);
  const std::tuple key{device.index(), type, head_dim};
  if (const auto found = known.find(key); found != known.end()) return found->second;
  return known[key] = sequences_are_right(device, type, head_dim);
#else
  static_cast<void>(device);
  static_cast<void>(type);
  static_cast<void>(head_dim);
  return false;
#endif
}

Tensor packed_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        const c10::intrusive_ptr<PackedText>& text, Queries queries) {
#if STROP_HAS_FLASH_ATTENTION
  if (attends_by_sequences(q.device(), q.scalar_type(), q.size(2)))
    return by_sequences(q, k, v,
                        queries == Queries::kAll ? text->sequences() : text->asked_sequences());
#endif
  return BlockAttention::apply(q, k, v, text, queries);
}

}  // namespace strop::trainer
