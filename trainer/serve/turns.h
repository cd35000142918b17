// Whose turn it is: one generation at a time, in the order of coming, so many waiting and no more.
//
// Any thread. `enter` blocks until it is the caller's turn. No errors.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>

namespace strop::trainer {

class Turns {
 public:
  explicit Turns(std::size_t most_waiting) : most_waiting_(most_waiting) {}

  enum class Entry { kMine, kFull, kGone };
  // kFull: too many wait already. kGone: `is_gone` said so while waiting, which is asked now and
  // then. After kMine the caller must leave().
  Entry enter(const std::function<bool()>& is_gone);
  void leave();

 private:
  const std::size_t most_waiting_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::set<std::uint64_t> waiting_;  // tickets; the lowest is next
  std::uint64_t next_ticket_ = 0;
  bool busy_ = false;
};

}  // namespace strop::trainer
