#include "trainer/pair_batch.h"

#include <map>
#include <utility>

#include "trainer/model/token_scores.h"
#include "trainer/objectives/likelihood.h"

namespace strop::trainer {
namespace {

using torch::Tensor;

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

// Pairs with one prompt.
using Sharing = std::vector<std::size_t>;

std::vector<Sharing> by_prompt(const std::vector<const TokenPair*>& pairs) {
  std::vector<Sharing> groups;
  std::map<std::vector<TokenId>, std::size_t> known;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto [place, fresh] = known.try_emplace(pairs[i]->prompt, groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].push_back(i);
  }
  return groups;
}

// The rows that predict, group by group, counted as what is asked for is.
class Layout {
 public:
  Layout(const std::vector<const TokenPair*>& pairs, Sides sides, bool with_prompt)
      : pairs_(pairs), both_(sides == Sides::kBoth), with_prompt_(with_prompt) {
    for (const Sharing& sharing : by_prompt(pairs)) add(sharing);
  }

  PairBatch finish() const {
    PairBatch out;
    out.pairs = static_cast<std::int64_t>(pairs_.size());
    out.input.tokens = torch::tensor(tokens_, torch::kInt64).unsqueeze(0);
    out.input.packed = c10::make_intrusive<PackedText>(groups_, torch::kCPU);
    out.chosen = chosen_.tensors();
    if (both_) out.rejected = rejected_.tensors();
    if (with_prompt_) out.prompt = prompt_.tensors();
    return out;
  }

 private:
  void add(const Sharing& sharing) {
    const TokenPair& first = *pairs_[sharing.front()];
    const auto prompt = static_cast<std::int64_t>(first.prompt.size());
    PackedGroup group{prompt, {}, with_prompt_ ? 0 : prompt - 1};
    tokens_.insert(tokens_.end(), first.prompt.begin(), first.prompt.end());
    if (with_prompt_)
      for (const std::size_t index : sharing) add_prompt(*pairs_[index], index);
    const std::int64_t last = next_ + prompt - 1 - group.asked;  // of the prompt
    next_ = last + 1;
    for (const std::size_t index : sharing) {
      const TokenPair& pair = *pairs_[index];
      add_completion(pair.chosen, pair.chosen_compared, index, last, group, chosen_);
      if (both_)
        add_completion(pair.rejected, pair.rejected_compared, index, last, group, rejected_);
    }
    groups_.push_back(std::move(group));
  }

  void add_prompt(const TokenPair& pair, std::size_t index) {
    for (std::size_t i = 1; i < pair.prompt.size(); ++i)
      if (pair.special.empty() || !pair.special[i])
        prompt_.add(next_ + static_cast<std::int64_t>(i) - 1, pair.prompt[i], index, false);
  }

  // `last`: the row of the prompt's last token, which predicts the first one.
  void add_completion(const std::vector<TokenId>& tokens, const std::vector<bool>& compared,
                      std::size_t index, std::int64_t last, PackedGroup& group, RowList& list) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      list.add(i == 0 ? last : next_++, tokens[i], index, compared.empty() || compared[i]);
      if (i + 1 < tokens.size()) tokens_.push_back(tokens[i]);
    }
    group.completions.push_back(static_cast<std::int64_t>(tokens.size()) - 1);
  }

  const std::vector<const TokenPair*>& pairs_;
  const bool both_;
  const bool with_prompt_;
  std::vector<PackedGroup> groups_;
  std::vector<std::int64_t> tokens_;
  std::int64_t next_ = 0;  // row
  RowList chosen_;
  RowList rejected_;
  RowList prompt_;
};

}  // namespace

PairBatch make_pair_batch(const std::vector<const TokenPair*>& pairs, Sides sides,
                          bool with_prompt) {
  return Layout(pairs, sides, with_prompt).finish();
}

namespace {

TargetRows moved(const TargetRows& rows, const torch::Device& device) {
  if (!rows.rows.defined()) return rows;
  return {rows.rows.to(device), rows.targets.to(device), rows.pair.to(device),
          rows.compared.to(device)};
}

}  // namespace

PairScores score_pairs(const Decoder& model, const PairBatch& given, bool with_prompt) {
  const Tensor hidden = model.hidden(given.input)[0];
  const torch::Device device = hidden.device();
  const PairBatch batch{given.pairs, given.input, moved(given.chosen, device),
                        moved(given.rejected, device), moved(given.prompt, device)};
  const auto log_probs = [&](const TargetRows& rows) {
    return token_scores(hidden.index_select(0, rows.rows), model.head(), rows.targets);
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
  if (with_prompt && batch.prompt.rows.defined())
    out.prompt_nll = mean_nll(log_probs(batch.prompt), batch.prompt.pair, batch.pairs);
  return out;
}

}  // namespace strop::trainer
