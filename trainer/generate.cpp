#include "trainer/generate.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace strop::trainer {
namespace {

using torch::Tensor;

std::int64_t size_of(std::span<const TokenId> tokens) {
  return static_cast<std::int64_t>(tokens.size());
}

bool cancelled(const GenerateOptions& options) {
  return options.is_cancelled && options.is_cancelled();
}

// One sequence of a batch.
struct Row {
  std::size_t index;  // of the caller's prompt
  Sampler sampler;
  CompletionBuilder builder;
};

// Lets every row that is not done choose from its logits [B, V].
void choose(std::vector<Row>& rows, const Tensor& logits) {
  TORCH_CHECK(logits.size(0) == static_cast<std::int64_t>(rows.size()), "logits of ",
              logits.size(0), " sequences for ", rows.size());
  const Tensor values = logits.to(torch::kCPU, torch::kFloat32).contiguous();
  const auto width = static_cast<std::size_t>(values.size(1));
  const float* data = values.data_ptr<float>();
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].builder.done())
      rows[i].builder.add(rows[i].sampler.choose({data + i * width, width}));
}

// The rows' last tokens, [B, 1]; a row that is done repeats any.
Tensor last_tokens(const std::vector<Row>& rows) {
  Tensor out = torch::zeros({static_cast<std::int64_t>(rows.size()), 1}, torch::kInt64);
  auto* data = out.data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].builder.tokens() > 0) data[i] = rows[i].builder.last();
  return out;
}

bool all_done(const std::vector<Row>& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.builder.done(); });
}

void select_rows(KvCache& cache, const Tensor& rows) {
  const Tensor there = cache.keys.empty() ? rows : rows.to(cache.keys.front().device());
  for (Tensor& keys : cache.keys) keys = keys.index_select(0, there);
  for (Tensor& values : cache.values) values = values.index_select(0, there);
}

// A batch of prompts padded on the left to one length.
class PaddedBatch {
 public:
  PaddedBatch(const Decoder& model, const std::vector<std::vector<TokenId>>& prompts,
              std::span<const std::size_t> indices, std::int64_t new_tokens)
      : model_(model) {
    for (const std::size_t i : indices) length_ = std::max(length_, size_of(prompts[i]));
    const auto rows = static_cast<std::int64_t>(indices.size());
    tokens_ = torch::zeros({rows, length_}, torch::kInt64);
    pads_ = torch::zeros({rows}, torch::kInt64);
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto& prompt = prompts[indices[static_cast<std::size_t>(row)]];
      const std::int64_t pad = length_ - size_of(prompt);
      padded_ = padded_ || pad > 0;
      pads_[row] = pad;
      std::copy(prompt.begin(), prompt.end(),
                tokens_.data_ptr<std::int64_t>() + row * length_ + pad);
    }
    cache_ = model.make_cache(rows, length_ + new_tokens);
  }

  // Logits [B, V] after the prompts.
  Tensor start() { return forward(tokens_); }
  // Logits [B, V] after one more token each, [B, 1].
  Tensor step(const Tensor& tokens) { return forward(tokens); }

  // Keeps only these rows.
  void select(const Tensor& rows) {
    pads_ = pads_.index_select(0, rows);
    select_rows(cache_, rows);
  }

 private:
  Tensor forward(const Tensor& tokens) {
    ForwardInput input{.tokens = tokens, .cache = &cache_};
    if (padded_) place(input);
    return model_.logits(model_.hidden(input).select(1, -1));
  }

  // Positions count from each row's own beginning; padding is seen by nobody but itself (a row of
  // the softmax must have something to look at).
  void place(ForwardInput& input) const {
    const std::int64_t done = cache_.length;
    const std::int64_t length = input.tokens.size(1);
    const Tensor query = torch::arange(done, done + length).view({1, length, 1});
    const Tensor key = torch::arange(done + length).view({1, 1, done + length});
    const Tensor pads = pads_.view({-1, 1, 1});
    input.mask = ((key <= query) & ((key >= pads) | (key == query))).unsqueeze(1);
    input.positions = (query.view({1, length}) - pads_.view({-1, 1})).clamp_min(0);
  }

  const Decoder& model_;
  std::int64_t length_ = 0;
  Tensor tokens_;  // [B, T]
  Tensor pads_;    // [B]
  bool padded_ = false;
  KvCache cache_;
};

// Drops the rows that are done, once they are half of the batch.
void drop_done(std::vector<Row>& rows, PaddedBatch& batch, std::vector<Completion>& out) {
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].builder.done()) kept.push_back(static_cast<std::int64_t>(i));
  if (kept.size() * 2 > rows.size()) return;
  std::vector<Row> rest;
  for (Row& row : rows) {
    if (row.builder.done())
      out[row.index] = row.builder.finish();
    else
      rest.push_back(std::move(row));
  }
  rows = std::move(rest);
  batch.select(torch::tensor(kept, torch::kInt64));
}

void run_batch(const Decoder& model, const Tokenizer& tokenizer,
               const std::vector<std::vector<TokenId>>& prompts,
               std::span<const std::size_t> indices, const GenerateOptions& options,
               std::vector<Completion>& out) {
  std::vector<Row> rows;
  std::int64_t longest = 0;
  for (const std::size_t i : indices) {
    const std::int64_t room = room_after(prompts[i], model.config(), options.max_tokens);
    longest = std::max(longest, room);
    rows.push_back({i, Sampler(sampler_options(options, options.temperature, i)),
                    CompletionBuilder(tokenizer, options.stop, room)});
  }
  PaddedBatch batch(model, prompts, indices, longest);
  if (!all_done(rows)) choose(rows, batch.start());
  while (!all_done(rows)) {
    if (cancelled(options)) {
      for (Row& row : rows)
        if (!row.builder.done()) row.builder.cancel();
      break;
    }
    drop_done(rows, batch, out);
    choose(rows, batch.step(last_tokens(rows)));
  }
  for (Row& row : rows) out[row.index] = row.builder.finish();
}

}  // namespace

std::int64_t room_after(std::span<const TokenId> prompt, const ModelConfig& config,
                        std::int64_t max_tokens) {
  if (prompt.empty()) throw std::invalid_argument("the prompt is empty");
  for (const TokenId token : prompt)
    if (token < 0 || token >= config.vocab)
      throw std::invalid_argument("token " + std::to_string(token) +
                                  " of the prompt is outside the model's vocabulary of " +
                                  std::to_string(config.vocab));
  if (size_of(prompt) >= config.max_positions)
    throw std::invalid_argument("a prompt of " + std::to_string(prompt.size()) +
                                " tokens leaves no room in the model's " +
                                std::to_string(config.max_positions) + " positions");
  return std::min(max_tokens, config.max_positions - size_of(prompt));
}

SamplerOptions sampler_options(const GenerateOptions& options, double temperature,
                               std::size_t row) {
  SamplerOptions out{temperature, options.top_p, options.top_k, options.seed, options.alternatives};
  out.seed += 0x9E3779B97F4A7C15U * row;
  return out;
}

std::vector<Completion> generate_batch(const Decoder& model, const Tokenizer& tokenizer,
                                       const std::vector<std::vector<TokenId>>& prompts,
                                       const GenerateOptions& options, std::size_t batch) {
  const c10::InferenceMode inference;
  std::vector<Completion> out(prompts.size());
  std::vector<std::size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return prompts[a].size() < prompts[b].size();
  });
  const std::span<const std::size_t> all(order);
  for (std::size_t at = 0; at < all.size(); at += batch)
    run_batch(model, tokenizer, prompts, all.subspan(at, std::min(batch, all.size() - at)), options,
              out);
  return out;
}

}  // namespace strop::trainer
