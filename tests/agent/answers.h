// What a provider has answered, in order, for a test to wait on.
//
// Any thread. next() waits with a deadline, beyond which it is an exception.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>

namespace strop::agent::test {

template <class Answer>
class Answers {
 public:
  void push(Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
    }
    changed_.notify_all();
  }

  Answer next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !answers_.empty(); }))
      throw std::runtime_error("no answer has come");
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  bool empty() const {
    const std::lock_guard lock(mutex_);
    return answers_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Answer> answers_;  // guarded by mutex_
};

}  // namespace strop::agent::test
