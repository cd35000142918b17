// Several texts as one row of tokens, without padding: groups of a prompt and the completions that
// go on from it. A completion sees its prompt and itself, nobody sees another group.
//
// Immutable once made; shared by the forward and the backward pass; any thread. Shapes: T tokens in
// all, of which N are asked for: those whose hidden state the caller wants. Attention goes by
// blocks of at most kBlockRows queries, each with the keys from its group's first one to its own
// last one; or, by kernels that take many sequences at once, by sequences. No errors.
#pragma once

#include <torch/custom_class.h>

#include <cstdint>
#include <vector>

#include "trainer/torch.h"

namespace strop::trainer {

struct PackedGroup {
  std::int64_t prompt = 0;                // tokens, at least 1
  std::vector<std::int64_t> completions;  // tokens of each; 0 is allowed
  std::int64_t asked = 0;                 // the group's first token that is asked for
};

class PackedText : public torch::CustomClassHolder {
 public:
  static constexpr std::int64_t kBlockRows = 128;

  PackedText(const std::vector<PackedGroup>& groups, torch::Device device);
  // `text` itself where its tensors are there already. Blocks, each of which has a tensor, stay
  // where they are when sequences will do.
  static c10::intrusive_ptr<PackedText> on(torch::Device device,
                                           c10::intrusive_ptr<PackedText> text, bool by_sequences);

  // Queries query … query + rows − 1 look at keys key … key + keys − 1; the last of these only as
  // far as `bias` [rows, masked keys] says, with 0 and −∞.
  struct Block {
    std::int64_t query = 0;
    std::int64_t rows = 0;
    std::int64_t key = 0;
    std::int64_t keys = 0;
    torch::Tensor bias;
  };

  // Queries that lie one after another, and their keys: the last query sees all of them, each
  // before it one fewer. A prompt with its first completion, and each other completion behind a
  // copy of the prompt's keys; none without queries.
  struct Sequences {
    torch::Tensor keys;        // int64: the token that each key is of; undefined: all, in order
    torch::Tensor query_ends;  // int32 [sequences + 1], cumulated, from 0
    torch::Tensor key_ends;    // int32 [sequences + 1]
    std::int64_t most_queries = 0;  // of a sequence
    std::int64_t most_keys = 0;
  };

  const std::vector<Block>& blocks() const { return blocks_; }
  // With the tokens asked for as queries, counted from the first of them.
  const std::vector<Block>& asked_blocks() const { return asked_blocks_; }
  const Sequences& sequences() const { return sequences_; }
  const Sequences& asked_sequences() const { return asked_sequences_; }

  std::int64_t tokens() const { return tokens_; }
  std::int64_t longest() const { return longest_; }  // tokens of a prompt and a completion
  const torch::Tensor& positions() const { return positions_; }  // int64 [T]
  const torch::Tensor& asked() const { return asked_; }          // int64 [N]; undefined: all

 private:
  void add_blocks(const PackedGroup& group, std::int64_t from, std::int64_t query, std::int64_t key,
                  std::vector<Block>& blocks) const;
  torch::Tensor triangle(std::int64_t rows) const;
  torch::Tensor completions_bias(const PackedGroup& group, std::int64_t from,
                                 std::int64_t to) const;

  torch::Tensor triangle_;  // [kBlockRows, kBlockRows]
  std::int64_t tokens_ = 0;
  std::int64_t longest_ = 0;
  torch::Tensor positions_;
  torch::Tensor asked_;
  std::vector<Block> blocks_;
  std::vector<Block> asked_blocks_;
  Sequences sequences_;
  Sequences asked_sequences_;
};

}  // namespace strop::trainer
