#include "trainer/serve/engine.h"

#include <algorithm>
#include <exception>

#include "trainer/threads.h"

namespace strop::trainer {

Engine::Engine(std::shared_ptr<const ServedModel> model, const Tokenizer& tokenizer,
               const EngineOptions& options, Counts& counts)
    : tokenizer_(tokenizer),
      options_(options),
      counts_(counts),
      model_(std::move(model)),
      thread_([this] { run(); }) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

std::shared_ptr<const ServedModel> Engine::model() const {
  const std::lock_guard lock(mutex_);
  return model_;
}

void Engine::switch_to(std::shared_ptr<const ServedModel> model) {
  const std::lock_guard lock(mutex_);
  model_ = std::move(model);
  ++counts_.adapter_switches;
  changed_.notify_all();
}

tl::expected<std::shared_ptr<AnswerStream>, Engine::Refusal> Engine::submit(
    const std::shared_ptr<const ServedModel>& model, BatchJob job) {
  auto stream = std::make_shared<AnswerStream>(job.count);
  const std::size_t prompt = job.prompt.size();
  job.options.is_cancelled = [stream] { return stream->is_cancelled(); };
  job.started = [this, stream, prompt](std::size_t reused) {
    counts_.prompt_tokens += prompt;
    counts_.reused_tokens += reused;
    ++(reused > 0 ? counts_.cache_hits : counts_.cache_misses);
    stream->start(reused);
  };
  job.receive = [this, stream](std::size_t row, CompletionPiece piece) {
    counts_.generated_tokens += piece.tokens.size();
    stream->add(row, std::move(piece));
  };
  job.failed = [stream](const std::string& why) { stream->fail(why); };
  const std::lock_guard lock(mutex_);
  if (stopping_) return tl::unexpected(Refusal::kEnding);
  std::erase_if(waiting_, [](const Waiting& one) { return one.stream->is_cancelled(); });
  if (waiting_.size() >= options_.most_waiting) return tl::unexpected(Refusal::kFull);
  waiting_.push_back({model, std::move(job), stream});
  counts_.waiting = waiting_.size();
  changed_.notify_all();
  return stream;
}

std::size_t Engine::rows() const {
  std::size_t out = 0;
  for (const Running& one : running_) out += one.batch.rows();
  return out;
}

bool Engine::has_room_for(const BatchJob& job) const {
  std::size_t bytes = job.count * job.row_bytes;
  for (const Running& one : running_) bytes += one.batch.bytes();
  return rows() + job.count <= options_.most_rows && bytes <= options_.batch_bytes;
}

ContinuousBatch& Engine::batch_of(const std::shared_ptr<const ServedModel>& model) {
  for (Running& one : running_)
    if (one.model == model) return one.batch;
  running_.push_back({model, ContinuousBatch(model->decoder, tokenizer_, options_.cache_bytes)});
  return running_.back().batch;
}

// Lets in what there is room for; true when that was anything. Order is kept: what is large does
// not starve behind what is small.
bool Engine::admit(std::unique_lock<std::mutex>& lock) {
  bool any = false;
  while (!waiting_.empty() && has_room_for(waiting_.front().job)) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    counts_.waiting = waiting_.size();
    if (next.stream->is_cancelled()) continue;
    lock.unlock();
    try {
      batch_of(next.model).join(std::move(next.job));
      any = true;
    } catch (const std::exception& error) {
      next.stream->fail(error.what());
    }
    lock.lock();
  }
  return any;
}

// A token of every sequence of every model; false: there was nothing to compute.
bool Engine::advance(const std::shared_ptr<const ServedModel>& current) {
  bool busy = false;
  std::uint64_t kept = 0;
  for (auto one = running_.begin(); one != running_.end();) {
    const auto here = one++;
    const bool more = here->batch.advance();
    busy = busy || more;
    if (here->model != current && !more) {
      running_.erase(here);
      continue;
    }
    if (here->model != current) here->batch.prefixes().set_most_bytes(0);
    kept += here->batch.prefixes().bytes();
  }
  counts_.cache_bytes = kept;
  counts_.rows = rows();
  if (busy) ++counts_.steps;
  return busy;
}

void Engine::run() {
  prepare_compute_thread();
  bool busy = false;
  std::unique_lock lock(mutex_);
  std::shared_ptr<const ServedModel> current = model_;
  while (true) {
    changed_.wait(lock,
                  [&] { return stopping_ || busy || !waiting_.empty() || model_ != current; });
    if (stopping_) break;
    busy = admit(lock) || busy;
    current = model_;
    lock.unlock();
    busy = advance(current);
    lock.lock();
  }
  lock.unlock();
  for (Waiting& one : waiting_) one.stream->fail("the server is ending");
  running_.clear();
}

}  // namespace strop::trainer
