// Completions of several prompts at once, which join and leave between two tokens.
//
// Owns the sequences' keys and values and a cache of those that ended; the decoder and tokenizer
// must outlive it. One thread: `advance` computes one token of every sequence (or a part of one
// joining prompt before that) and calls the jobs' functions from within. A sequence's text does not
// depend on the others' beyond rounding. Lengths are tokens. Errors: what generate.h says of
// prompts is thrown by `join`; what goes wrong later ends the job with `failed`, and no other
// unless the step of all failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "trainer/generate.h"
#include "trainer/model/decoder.h"
#include "trainer/prefix_cache.h"
#include "trainer/sampling.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct BatchJob {
  std::vector<TokenId> prompt;
  // With one completion the options' temperature holds. With more, the first is the likeliest text
  // and the others are drawn, at temperature 0.8 if the options have none.
  std::size_t count = 1;
  GenerateOptions options;
  bool use_prefix_cache = true;
  // After its first token, a completion with a line's end goes on for so long; 0: it may for ever.
  std::chrono::milliseconds most_time{0};
  std::size_t row_bytes = 0;  // keys and values that a completion is counted with
  std::function<void(std::size_t reused)> started;  // tokens of the prompt that were known
  std::function<void(std::size_t row, CompletionPiece piece)> receive;
  std::function<void(const std::string& why)> failed;
};

// Bytes of keys and values that each of the job's completions grows to at most.
std::size_t most_row_bytes(const Decoder& model, const BatchJob& job);

class ContinuousBatch {
 public:
  ContinuousBatch(const Decoder& model, const Tokenizer& tokenizer, std::size_t cache_bytes)
      : model_(model), tokenizer_(tokenizer), prefixes_(cache_bytes) {}

  void join(BatchJob job);
  // False: there is nothing to compute.
  bool advance();
  // Sequences that are computed or about to be.
  std::size_t rows() const;
  // What their jobs count them with.
  std::size_t bytes() const;
  PrefixCache& prefixes() { return prefixes_; }

 private:
  struct Joining {
    std::shared_ptr<const BatchJob> job;
    KvCache cache;
    bool started = false;
  };
  struct Row {
    std::shared_ptr<const BatchJob> job;
    std::size_t index = 0;  // of the job's completions
    Sampler sampler;
    CompletionBuilder builder;
    KvCache cache;
    std::vector<TokenId> tokens;  // those that the cache holds
    std::chrono::steady_clock::time_point seated = std::chrono::steady_clock::now();
    bool has_line = false;
  };

  bool prefill(Joining& joining);
  void seat(Joining& joining, const torch::Tensor& logits);
  void read_prompts();
  void decode();
  void choose(Row& row, const torch::Tensor& logits);
  void leave(Row& row);
  void drop_cancelled();

  const Decoder& model_;
  const Tokenizer& tokenizer_;
  PrefixCache prefixes_;
  std::list<Joining> joining_;
  std::list<Row> rows_;
};

}  // namespace strop::trainer
