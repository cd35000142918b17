#include "trainer/pair_batch.h"

#include <algorithm>

#include "trainer/objectives/likelihood.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

// Segments of a row: what may look at what.
constexpr std::int64_t kPrompt = 0;
constexpr std::int64_t kChosen = 1;
constexpr std::int64_t kRejected = 2;
constexpr std::int64_t kPadding = 3;

struct RowList {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> targets;
  std::vector<std::int64_t> pair;
  std::vector<float> compared;

  void add(std::int64_t row, TokenId target, std::size_t index, bool is_compared) {
    rows.push_back(row);
    targets.push_back(target);
    pair.push_back(static_cast<std::int64_t>(index));
    compared.push_back(is_compared ? 1 : 0);
  }
  TargetRows tensors() const {
    return {torch::tensor(rows, torch::kInt64), torch::tensor(targets, torch::kInt64),
            torch::tensor(pair, torch::kInt64), torch::tensor(compared)};
  }
};

std::int64_t row_length(const TokenPair& pair, Sides sides) {
  return static_cast<std::int64_t>(pair.prompt.size() + pair.chosen.size() - 1 +
                                   (sides == Sides::kBoth ? pair.rejected.size() - 1 : 0));
}

class Layout {
 public:
  Layout(std::size_t pairs, std::int64_t length, Sides sides)
      : length_(length), both_(sides == Sides::kBoth) {
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(pairs), length};
    tokens_ = torch::zeros(shape, torch::kInt64);
    positions_ = torch::zeros(shape, torch::kInt64);
    segments_ = torch::full(shape, kPadding, torch::kInt64);
  }

  void add(std::size_t index, const TokenPair& pair) {
    next_ = static_cast<std::int64_t>(index) * length_;
    const std::int64_t first = next_;
    const auto prompt = static_cast<std::int64_t>(pair.prompt.size());
    for (std::int64_t i = 0; i < prompt; ++i) {
      const TokenId token = pair.prompt[static_cast<std::size_t>(i)];
      const bool special = !pair.special.empty() && pair.special[static_cast<std::size_t>(i)];
      if (i > 0 && !special) prompt_.add(next_ - 1, token, index, false);
      put(token, i, kPrompt);
    }
    const Place behind_prompt{index, first + prompt - 1, prompt};
    add_completion(pair.chosen, pair.chosen_compared, behind_prompt, kChosen, chosen_);
    if (both_)
      add_completion(pair.rejected, pair.rejected_compared, behind_prompt, kRejected, rejected_);
  }

  PairBatch finish(std::size_t pairs) const {
    PairBatch out;
    out.pairs = static_cast<std::int64_t>(pairs);
    out.input.tokens = tokens_;
    // One completion behind each prompt, padded on the right, is what a causal mask and running
    // positions already say.
    if (both_) {
      out.input.positions = positions_;
      const Tensor key = segments_.unsqueeze(1);
      const Tensor query = segments_.unsqueeze(2);
      const Tensor before = torch::ones({length_, length_}, torch::kBool).tril();
      out.input.mask = (before & ((key == kPrompt) | (key == query))).unsqueeze(1);
      out.rejected = rejected_.tensors();
    }
    out.chosen = chosen_.tensors();
    out.prompt = prompt_.tensors();
    return out;
  }

 private:
  void put(TokenId token, std::int64_t position, std::int64_t segment) {
    tokens_.data_ptr<std::int64_t>()[next_] = token;
    positions_.data_ptr<std::int64_t>()[next_] = position;
    segments_.data_ptr<std::int64_t>()[next_] = segment;
    ++next_;
  }

  struct Place {
    std::size_t pair;
    std::int64_t row;  // of the prompt's last token, which predicts the first one
    std::int64_t position;
  };
  void add_completion(const std::vector<TokenId>& tokens, const std::vector<bool>& compared,
                      Place at, std::int64_t segment, RowList& list) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      list.add(at.row, tokens[i], at.pair, compared.empty() || compared[i]);
      if (i + 1 == tokens.size()) break;
      at.row = next_;
      put(tokens[i], at.position++, segment);
    }
  }

  std::int64_t length_;
  bool both_;
  Tensor tokens_;  // all [B, T] int64
  Tensor positions_;
  Tensor segments_;
  std::int64_t next_ = 0;
  RowList chosen_;
  RowList rejected_;
  RowList prompt_;
};

}  // namespace

PairBatch make_pair_batch(const std::vector<const TokenPair*>& pairs, Sides sides) {
  std::int64_t longest = 0;
  for (const TokenPair* pair : pairs) longest = std::max(longest, row_length(*pair, sides));
  Layout layout(pairs.size(), longest, sides);
  for (std::size_t i = 0; i < pairs.size(); ++i) layout.add(i, *pairs[i]);
  return layout.finish(pairs.size());
}

PairScores score_pairs(const Decoder& model, const PairBatch& batch, bool with_prompt) {
  const Tensor hidden = model.hidden(batch.input);
  const Tensor flat = hidden.reshape({-1, hidden.size(2)});
  const auto log_probs = [&](const TargetRows& rows) {
    return token_log_probs(model.logits(flat.index_select(0, rows.rows)), rows.targets);
  };
  const auto compared = [&](const Tensor& values, const TargetRows& rows) {
    return sum_by_text(values * rows.compared, rows.pair, batch.pairs);
  };
  const auto length = [&](const TargetRows& rows) {
    return sum_by_text(rows.compared, rows.pair, batch.pairs).clamp_min(1);
  };
  PairScores out;
  const Tensor chosen = log_probs(batch.chosen);
  out.log_probs.chosen = compared(chosen, batch.chosen);
  out.lengths.chosen = length(batch.chosen);
  out.chosen_nll = mean_nll(chosen, batch.chosen.pair, batch.pairs);
  if (batch.rejected.rows.defined()) {
    out.log_probs.rejected = compared(log_probs(batch.rejected), batch.rejected);
    out.lengths.rejected = length(batch.rejected);
  }
  if (with_prompt)
    out.prompt_nll = mean_nll(log_probs(batch.prompt), batch.prompt.pair, batch.pairs);
  return out;
}

}  // namespace strop::trainer
