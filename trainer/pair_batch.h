// Several pairs as one input of the decoder, without padding: a prompt stands once, whatever the
// number of pairs that have it, and each completion goes on from it without seeing the others.
//
// Values; a pure function; any thread. Shapes: B pairs, T tokens in all. The last token of a
// completion predicts nothing and is not an input. No errors.
#pragma once

#include <vector>

#include "trainer/data.h"
#include "trainer/model/decoder.h"
#include "trainer/objectives/preference.h"
#include "trainer/torch.h"

namespace strop::trainer {

// What is predicted, all int64 [R] but `compared`.
struct TargetRows {
  torch::Tensor rows;      // of the hidden states that are asked for
  torch::Tensor targets;   // the token each row predicts
  torch::Tensor pair;      // the pair of the batch that it belongs to
  torch::Tensor compared;  // float32: 1 where the preference term compares it, else 0
};

struct PairBatch {
  std::int64_t pairs = 0;
  ForwardInput input;
  TargetRows chosen;
  TargetRows rejected;  // undefined for Sides::kChosen
  TargetRows prompt;    // without special tokens as targets; undefined unless asked for
};

enum class Sides { kBoth, kChosen };

PairBatch make_pair_batch(const std::vector<const TokenPair*>& pairs, Sides sides,
                          bool with_prompt = false);

// What the decoder thinks of a batch, differentiable.
struct PairScores {
  PairLogProbs log_probs;    // of what is compared; rejected is undefined for Sides::kChosen
  PairLengths lengths;       // of what is compared, at least 1; likewise
  torch::Tensor chosen_nll;  // [B], mean over tokens
  torch::Tensor prompt_nll;  // [B]; undefined where the batch has none, or without it
};

PairScores score_pairs(const Decoder& model, const PairBatch& batch, bool with_prompt = true);

}  // namespace strop::trainer
