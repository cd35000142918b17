// A decoder of the Llama, Mistral, Qwen2, Qwen3 and StarCoder2 shapes: norms, rotary positions,
// grouped-query attention, an MLP with or without a gate.
//
// Owns its weights; one thread at a time. Shapes: B sequences of T new tokens, S = cached + T keys,
// H hidden size, V vocabulary. The head is apart from the body, so that a caller projects only the
// rows it needs. The reference of preference training is this same decoder with
// `use_adapter(false)`. Errors: a checkpoint that does not fit is a message naming the tensor and
// both shapes.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "trainer/model/config.h"
#include "trainer/model/fused.h"
#include "trainer/model/linear.h"
#include "trainer/model/packed_attention.h"
#include "trainer/safetensors.h"
#include "trainer/torch.h"

namespace strop::trainer {

// Keys and values of what was computed before, [B, kv_heads, capacity, head_dim] a layer. `length`
// of them are in use.
struct KvCache {
  std::vector<torch::Tensor> keys;
  std::vector<torch::Tensor> values;
  std::int64_t length = 0;
};

struct ForwardInput {
  torch::Tensor tokens;     // [B, T] int64
  torch::Tensor positions;  // [B, T] int64; undefined: cached … cached + T − 1
  torch::Tensor mask;  // bool [B or 1, 1, T, S], true where a token may look; undefined: causal
  KvCache* cache = nullptr;  // appended to, when given
  // Tokens are [1, T] of these texts; positions and mask are its own, and the last layer computes
  // no more than what is asked for: the hidden states are [1, N, H].
  c10::intrusive_ptr<PackedText> packed;
};

class Decoder {
 public:
  // Random weights, N(0, 0.02), residual projections scaled down by √(2·layers) (Radford et al.
  // 2019).
  static Decoder random(const ModelConfig& config, std::uint64_t seed);
  // Of a type as compute_in() has it; what is of that type in the file is not copied.
  static tl::expected<Decoder, std::string> from_tensors(const ModelConfig& config,
                                                         NamedTensors tensors,
                                                         torch::ScalarType type = torch::kFloat32);
  static tl::expected<Decoder, std::string> load(const std::string& directory,
                                                 torch::ScalarType type = torch::kFloat32);
  // Of the type that `choose` makes of the widest one that a matrix has in the file.
  using ChooseType = std::function<torch::ScalarType(const ModelConfig&, torch::ScalarType widest)>;
  static tl::expected<Decoder, std::string> load(const std::string& directory,
                                                 const ChooseType& choose);

  const ModelConfig& config() const { return config_; }
  torch::ScalarType computes_in() const { return compute_type_; }

  // Hidden states after the last norm, [B, T, H].
  torch::Tensor hidden(const ForwardInput& input) const;
  // The same of one more token for each of B sequences with caches of their own and of any lengths,
  // tokens [B] → [B, H]: the linear layers run once for all of them, attention apart. Each cache
  // holds one sequence, has room for the token, and takes it.
  torch::Tensor step(const torch::Tensor& tokens, std::span<KvCache* const> caches) const;
  // Takes in more tokens [T] of one sequence, T at least 1, whose cache has room for them. Of the
  // last one it returns the hidden state, [1, H]; of the others it computes what comes after needs.
  torch::Tensor read(const torch::Tensor& tokens, KvCache& cache) const;
  // Logits of any rows [..., H] → [..., V]. A served token's are not rounded as its hidden state
  // is: equals would be chosen among by their number.
  torch::Tensor logits(const torch::Tensor& rows) const;
  // What they are computed with, [V, H].
  const torch::Tensor& head() const { return head_.defined() ? head_ : embedding_; }

  KvCache make_cache(std::int64_t batch, std::int64_t capacity) const;

  // Moves weights and adapter in place: who holds a tensor of the model's holds the moved one.
  void move_to(torch::Device device);

  // The base weights by their checkpoint names, not copied; a tied head appears once, as the
  // embedding.
  NamedTensors tensors() const;
  // The same with the adapter merged in, in fp32.
  NamedTensors merged_tensors() const;

  // Every linear layer that an adapter can be added to: attention and MLP projections.
  std::vector<Linear*> linears();
  // All that requires a gradient, adapters included, in an order that does not change.
  std::vector<torch::Tensor> trainable();
  // The same weights in the same storage, as leaves of their own: gradients are apart.
  Decoder replica() const;
  void use_adapter(bool on) { with_adapter_ = on; }
  bool uses_adapter() const { return with_adapter_; }
  // The adapter's dropout is drawn from this seed from now on; nothing: nothing is dropped.
  void drop_out(std::optional<std::uint64_t> seed);
  // Of each layer only what comes in is kept for the backward pass, from now on or not.
  void recompute(bool on) { recomputes_ = on; }
  // Hidden states and products in this type from now on. Matrices that are not trained are kept in
  // it; what is trained, and the norms, stay as they are.
  void compute_in(torch::ScalarType type);

 private:
  struct Norm {
    torch::Tensor weight;
    torch::Tensor bias;  // undefined: RMSNorm
  };
  struct Layer {
    Norm attention_norm;
    Norm mlp_norm;
    torch::Tensor q_norm;  // undefined where queries and keys are not normed
    torch::Tensor k_norm;
    Linear q, k, v, o, gate, up, down;  // gate: without weights where the MLP has none
  };

  explicit Decoder(const ModelConfig& config);
  std::vector<Linear*> linears_of(Layer& layer) const;
  torch::Tensor normed(const torch::Tensor& x, const Norm& norm) const;
  // What `linear` makes of x [..., H] by heads, [..., heads, D], each normed where there is a norm.
  torch::Tensor heads(const Linear& linear, const torch::Tensor& norm,
                      const torch::Tensor& x) const;
  // The same of what a linear layer made.
  torch::Tensor heads(const torch::Tensor& norm, const torch::Tensor& projected) const;
  // By 1/√D.
  torch::Tensor scaled(const torch::Tensor& rows) const;
  // A c10::Error where the model has no positions for so many tokens.
  void check_positions(std::int64_t tokens) const;
  torch::Tensor look_back(const torch::Tensor& q, const torch::Tensor& keys,
                          const torch::Tensor& values) const;
  torch::Tensor mlp(const Layer& layer, const torch::Tensor& x) const;
  // What is the same for every layer of a packed text.
  struct PackedPass {
    c10::intrusive_ptr<PackedText> text;
    Turns turns;
    Turns query_turns;  // with the scale of the scores
  };
  torch::Tensor attend_packed(const Layer& layer, const torch::Tensor& x, const PackedPass& pass,
                              Queries queries) const;
  torch::Tensor packed_layer(const Layer& layer, const torch::Tensor& x, const PackedPass& pass,
                             Queries queries) const;
  torch::Tensor packed_hidden(const ForwardInput& input) const;
  torch::Tensor attend(const Layer& layer, std::size_t index, const torch::Tensor& x,
                       const ForwardInput& input, const torch::Tensor& cos,
                       const torch::Tensor& sin, const torch::Tensor& bias) const;
  void for_each_tensor(const std::function<void(const std::string&, torch::Tensor&)>& visit);

  ModelConfig config_;
  torch::Tensor embedding_;
  torch::Tensor head_;  // undefined when tied
  Norm norm_;
  std::vector<Layer> layers_;
  torch::Tensor cos_;  // [max_positions, head_dim]
  torch::Tensor sin_;
  bool with_adapter_ = true;
  bool recomputes_ = false;
  at::Generator generator_;  // of dropout; undefined: none
  torch::ScalarType compute_type_ = torch::kFloat32;
};

}  // namespace strop::trainer
