#include "trainer/continuous_batch.h"

#include <algorithm>
#include <stdexcept>

#include "trainer/model/kv_cache.h"

namespace strop::trainer {
namespace {

using torch::Tensor;
using Clock = std::chrono::steady_clock;

constexpr double kSampleTemperature = 0.8;  // of further candidates when none is asked for
// Tokens of a prompt that are computed at once: between two looks at is_cancelled, and fewer where
// others wait for their next token.
constexpr std::size_t kChunk = 512;
constexpr std::size_t kChunkBesideOthers = 128;

bool cancelled(const BatchJob& job) {
  return job.options.is_cancelled && job.options.is_cancelled();
}

Tensor token_tensor(std::span<const TokenId> tokens) {
  return torch::from_blob(const_cast<TokenId*>(tokens.data()),
                          {static_cast<std::int64_t>(tokens.size())}, torch::kInt32)
      .to(torch::kInt64);
}

// LibTorch's what() holds the call stack, which is nothing for a client.
std::string message_of(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
}

bool has_line_end(std::string_view bytes) { return bytes.find('\n') != std::string_view::npos; }

bool is_late(const BatchJob& job, Clock::time_point seated) {
  return job.most_time.count() > 0 && Clock::now() - seated > job.most_time;
}

double temperature_of(const BatchJob& job, std::size_t row) {
  if (job.count == 1) return job.options.temperature;
  if (row == 0) return 0;
  return job.options.temperature > 0 ? job.options.temperature : kSampleTemperature;
}

}  // namespace

std::size_t most_row_bytes(const Decoder& model, const BatchJob& job) {
  const auto prompt = static_cast<std::int64_t>(job.prompt.size());
  return static_cast<std::size_t>(roomy(prompt + job.options.max_tokens)) *
         bytes_of(model.make_cache(1, 1));
}

void ContinuousBatch::join(BatchJob job) {
  job.options.max_tokens = room_after(job.prompt, model_.config(), job.options.max_tokens);
  joining_.push_back({std::make_shared<const BatchJob>(std::move(job)), {}, false});
}

std::size_t ContinuousBatch::rows() const {
  std::size_t out = rows_.size();
  for (const Joining& joining : joining_) out += joining.job->count;
  return out;
}

std::size_t ContinuousBatch::bytes() const {
  std::size_t out = 0;
  for (const Row& row : rows_) out += row.job->row_bytes;
  for (const Joining& joining : joining_) out += joining.job->count * joining.job->row_bytes;
  return out;
}

bool ContinuousBatch::advance() {
  const c10::InferenceMode inference;
  drop_cancelled();
  read_prompts();
  decode();
  return !joining_.empty() || !rows_.empty();
}

void ContinuousBatch::drop_cancelled() {
  for (auto joining = joining_.begin(); joining != joining_.end();) {
    const auto here = joining++;
    if (!cancelled(*here->job)) continue;
    const std::shared_ptr<const BatchJob> job = here->job;
    const auto known = job->prompt.begin() + here->cache.length;
    prefixes_.keep({job->prompt.begin(), known}, std::move(here->cache));
    joining_.erase(here);
    for (std::size_t i = 0; i < job->count; ++i)
      job->receive(i, {.text = "", .tokens = {}, .finish = Finish::kCancelled, .stop = ""});
  }
  for (auto row = rows_.begin(); row != rows_.end();) {
    const auto here = row++;
    if (!cancelled(*here->job)) continue;
    here->builder.cancel();
    here->job->receive(here->index, here->builder.take());
    leave(*here);
    rows_.erase(here);
  }
}

// A part of the prompt that came first; a whole one is seated.
void ContinuousBatch::read_prompts() {
  if (joining_.empty()) return;
  const auto first = joining_.begin();
  const std::shared_ptr<const BatchJob> job = first->job;
  try {
    if (prefill(*first)) joining_.erase(first);
  } catch (const std::exception& error) {
    joining_.erase(first);
    std::erase_if(rows_, [&](const Row& row) { return row.job == job; });
    job->failed(message_of(error));
  }
}

// True once the whole prompt is known and its rows are seated.
bool ContinuousBatch::prefill(Joining& joining) {
  const BatchJob& job = *joining.job;
  const std::span<const TokenId> prompt(job.prompt);
  if (!joining.started) {
    joining.started = true;
    // The last token is always computed, for its logits.
    if (job.use_prefix_cache) joining.cache = prefixes_.find(prompt, prompt.size() - 1);
    if (joining.cache.keys.empty()) joining.cache = model_.make_cache(1, 0);
    job.started(static_cast<std::size_t>(joining.cache.length));
  }
  const auto rest = prompt.subspan(static_cast<std::size_t>(joining.cache.length));
  const auto chunk = rest.first(std::min(rest.size(), rows_.empty() ? kChunk : kChunkBesideOthers));
  make_room(joining.cache, static_cast<std::int64_t>(prompt.size()));
  const Tensor hidden = model_.read(token_tensor(chunk), joining.cache);
  if (chunk.size() < rest.size()) return false;
  seat(joining, model_.logits(hidden).select(0, 0));
  return true;
}

// Its sequences take their places, each with a first token from the same logits [V].
void ContinuousBatch::seat(Joining& joining, const Tensor& logits) {
  const std::shared_ptr<const BatchJob> job = joining.job;
  for (std::size_t i = job->count; i-- > 0;) {  // the last takes the prompt's own cache
    const std::int64_t length = joining.cache.length;
    rows_.push_back(
        {job, i, Sampler(sampler_options(job->options, temperature_of(*job, i), i)),
         CompletionBuilder(tokenizer_, job->options.stop, job->options.max_tokens),
         i > 0 ? copy_of(joining.cache, length, roomy(length)) : std::move(joining.cache),
         job->prompt});
  }
  for (auto row = rows_.begin(); row != rows_.end();) {
    const auto here = row++;
    if (here->job != job) continue;
    choose(*here, logits);
    if (here->builder.done()) {
      leave(*here);
      rows_.erase(here);
    }
  }
}

void ContinuousBatch::choose(Row& row, const Tensor& logits) {
  if (!row.builder.done()) {
    const Tensor values = logits.to(torch::kCPU, torch::kFloat32).contiguous();
    const auto width = static_cast<std::size_t>(values.size(0));
    TokenChoice choice = row.sampler.choose({values.data_ptr<float>(), width});
    row.has_line = row.has_line || has_line_end(tokenizer_.bytes_of(choice.token));
    row.builder.add(std::move(choice));
  }
  const bool late = !row.builder.done() && row.has_line && is_late(*row.job, row.seated);
  if (late) row.builder.cancel();
  CompletionPiece piece = row.builder.take();
  if (late) piece.finish = Finish::kLength;
  if (piece.finish || !piece.text.empty() || !piece.tokens.empty())
    row.job->receive(row.index, std::move(piece));
}

// One completion's sequence is enough to know the prompt by.
void ContinuousBatch::leave(Row& row) {
  if (row.index == 0) prefixes_.keep(std::move(row.tokens), std::move(row.cache));
}

// One token more for every sequence.
void ContinuousBatch::decode() {
  if (rows_.empty()) return;
  std::vector<std::int64_t> last;
  std::vector<KvCache*> caches;
  Tensor logits;
  try {
    for (Row& row : rows_) {
      last.push_back(row.builder.last());
      make_room(row.cache, row.cache.length + 1);
      caches.push_back(&row.cache);
    }
    logits = model_.logits(model_.step(torch::tensor(last, torch::kInt64), caches));
  } catch (const std::exception& error) {
    std::list<Row> lost = std::move(rows_);
    rows_.clear();
    for (const Row& row : lost) row.job->failed(message_of(error));
    return;
  }
  std::int64_t at = 0;
  for (auto row = rows_.begin(); row != rows_.end(); ++at) {
    const auto here = row++;
    try {
      here->tokens.push_back(static_cast<TokenId>(last[static_cast<std::size_t>(at)]));
      choose(*here, logits.select(0, at));
    } catch (const std::exception& error) {
      here->job->failed(message_of(error));
      rows_.erase(here);
      continue;
    }
    if (!here->builder.done()) continue;
    leave(*here);
    rows_.erase(here);
  }
}

}  // namespace strop::trainer
