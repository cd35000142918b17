// What is being said to one request: the computing thread puts in, the request's session takes out.
//
// Shared by both; any thread. Bounded by the request's own tokens. After `fail` nothing more is
// wanted. No errors.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "trainer/sampling.h"

namespace strop::trainer {

class AnswerStream {
 public:
  explicit AnswerStream(std::size_t rows) : open_rows_(rows) {}

  void start(std::size_t reused);
  void add(std::size_t row, CompletionPiece piece);
  void fail(const std::string& why);

  struct News {
    std::vector<std::pair<std::size_t, CompletionPiece>> pieces;  // by row, in their order
    std::size_t reused = 0;                                       // tokens of the prompt
    std::string failure;                                          // empty: none
    bool ended = false;                                           // nothing comes after these
  };
  // All that came since the last take; empty where nothing did within `patience`.
  News take(std::chrono::milliseconds patience);

  void cancel() { cancelled_ = true; }
  bool is_cancelled() const { return cancelled_; }

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  News news_;
  std::size_t open_rows_;
};

}  // namespace strop::trainer
