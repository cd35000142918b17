#include "trainer/serve/answer_stream.h"

namespace strop::trainer {

void AnswerStream::start(std::size_t reused) {
  const std::lock_guard lock(mutex_);
  news_.reused = reused;
}

void AnswerStream::add(std::size_t row, CompletionPiece piece) {
  const std::lock_guard lock(mutex_);
  if (piece.finish && --open_rows_ == 0) news_.ended = true;
  news_.pieces.emplace_back(row, std::move(piece));
  changed_.notify_all();
}

void AnswerStream::fail(const std::string& why) {
  cancelled_ = true;  // its other rows are for nobody
  const std::lock_guard lock(mutex_);
  news_.failure = why;
  news_.ended = true;
  changed_.notify_all();
}

AnswerStream::News AnswerStream::take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return news_.ended || !news_.pieces.empty(); });
  News out = news_;
  news_.pieces.clear();
  return out;
}

}  // namespace strop::trainer
