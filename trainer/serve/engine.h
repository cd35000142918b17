// The thread that computes: what waits joins the batch in the order of coming, a token at a time.
//
// Owns its thread, the waiting requests and the models in force or on their way out; the tokenizer
// and the counts must outlive it. Any thread. A request is computed by the model it was handed in
// for, so a switch drops nothing; that model goes when its last request has ended. Errors:
// `submit` returns why a request is not taken; what goes wrong later is told to its stream.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tl/expected.hpp>

#include "trainer/continuous_batch.h"
#include "trainer/model/decoder.h"
#include "trainer/serve/answer_stream.h"
#include "trainer/serve/counts.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct ServedModel {
  Decoder decoder;
  std::string name;
};

struct EngineOptions {
  std::size_t most_rows = 16;     // sequences that are computed together
  std::size_t batch_bytes = 0;    // keys and values that they may grow to
  std::size_t most_waiting = 32;  // requests
  std::size_t cache_bytes = 0;    // keys and values kept of sequences that ended
};

class Engine {
 public:
  Engine(std::shared_ptr<const ServedModel> model, const Tokenizer& tokenizer,
         const EngineOptions& options, Counts& counts);
  ~Engine();  // ends what is being computed

  std::shared_ptr<const ServedModel> model() const;
  // Those that are handed in from now on get this one.
  void switch_to(std::shared_ptr<const ServedModel> model);

  enum class Refusal { kFull, kEnding };
  // REQUIRES: the prompt's tokens are fit for the model, count ≤ most_rows, and count · row_bytes ≤
  // batch_bytes.
  tl::expected<std::shared_ptr<AnswerStream>, Refusal> submit(
      const std::shared_ptr<const ServedModel>& model, BatchJob job);

 private:
  struct Waiting {
    std::shared_ptr<const ServedModel> model;
    BatchJob job;
    std::shared_ptr<AnswerStream> stream;
  };
  struct Running {
    std::shared_ptr<const ServedModel> model;
    ContinuousBatch batch;
  };

  void run();
  bool admit(std::unique_lock<std::mutex>& lock);
  ContinuousBatch& batch_of(const std::shared_ptr<const ServedModel>& model);
  bool advance(const std::shared_ptr<const ServedModel>& current);
  std::size_t rows() const;
  bool has_room_for(const BatchJob& job) const;

  const Tokenizer& tokenizer_;
  const EngineOptions options_;
  Counts& counts_;
  std::list<Running> running_;  // of the computing thread

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::shared_ptr<const ServedModel> model_;
  std::deque<Waiting> waiting_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all above
};

}  // namespace strop::trainer
