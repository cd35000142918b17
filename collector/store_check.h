// Looks a store through for damage while it is already in use: one of many GiB would else keep
// agents waiting at each start.
//
// Owns a process, `strop-collector check`, at the lowest priority, and a thread that waits for it;
// both end with this. `damaged` is called on that thread, with what was found. Errors: a check that
// cannot be made is logged, and says nothing of the store.
#pragma once

#include <atomic>
#include <boost/process/child.hpp>
#include <boost/process/pipe.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "collector/metrics.h"

namespace strop::collector {

class StoreCheck {
 public:
  using Damaged = std::function<void(const std::string& what)>;

  StoreCheck(const std::string& store, Metrics& metrics, Damaged damaged);
  ~StoreCheck();
  StoreCheck(const StoreCheck&) = delete;
  StoreCheck& operator=(const StoreCheck&) = delete;

 private:
  void wait();

  Metrics& metrics_;
  const Damaged damaged_;
  boost::process::ipstream words_;
  boost::process::child process_;
  std::atomic<bool> given_up_{false};
  std::mutex mutex_;  // guards reaped_ and the reaping: until then nobody else has its number
  bool reaped_ = false;
  std::thread thread_;
};

}  // namespace strop::collector
