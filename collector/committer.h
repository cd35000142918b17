// The thread on which the store commits, so that the next events are read and checked meanwhile.
//
// Owns the thread; borrows the store. One owner calls it, the receiver's thread; between `start`
// and the end of `wait` or `take` the store belongs to this thread alone. Errors: what the store
// throws comes out of `take`.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <vector>

#include "collector/store/store.h"

namespace strop::collector {

struct Committed {
  std::vector<BatchResult> results;
  std::chrono::microseconds took{0};
};

class Committer {
 public:
  explicit Committer(Store& store);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Called on this thread whenever a commit has ended. To be set before the first.
  void when_done(std::function<void()> tell) { tell_ = std::move(tell); }

  // REQUIRES: not running. The batches stay as they are until it is taken.
  void start(const std::vector<PendingBatch>& batches, std::int64_t now_ms);
  bool running() const { return commit_.valid(); }  // started, and not yet taken
  bool done() const;                                // REQUIRES: running
  void wait() const;                                // until it is done, or at once if none runs
  Committed take();                                 // REQUIRES: running; waits

 private:
  Store& store_;
  std::function<void()> tell_;
  std::future<Committed> commit_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace strop::collector
