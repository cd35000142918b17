// Whether the collector can do its work, asked by any thread, answered by the receiver's.
//
// `ask` waits for the receiver to try a write just now, so the answer is of now and not of the last
// event; a receiver that does not answer in time counts as ill. Times are milliseconds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

namespace strop::collector {

// Wakes a poll from another thread or from a signal handler; a readable file descriptor.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  int descriptor() const { return fd_; }
  void ring() const noexcept;  // async-signal-safe
  void quiet() const noexcept;

 private:
  int fd_;
};

class Health {
 public:
  // Empty: well. Otherwise what is wrong.
  std::string ask(int patience_ms);

  void set_ready(bool ready) { ready_ = ready; }
  bool ready() const { return ready_ && !is_damaged(); }

  // For good: what is in the store cannot be trusted. Any thread.
  void set_damage(const std::string& what);
  bool is_damaged() const { return damaged_; }

  // The receiver's side.
  bool asked() const { return wanted_ > answered_; }
  void answer(bool storing);
  const Wake& wake() const { return wake_; }

 private:
  Wake wake_;
  std::atomic<bool> ready_{false};
  std::atomic<std::uint64_t> wanted_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<bool> damaged_{false};
  std::mutex mutex_;  // guards storing_ and damage_, and answered_ while waiting
  std::condition_variable told_;
  bool storing_ = true;
  std::string damage_;
};

}  // namespace strop::collector
