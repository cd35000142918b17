// Where an extension's requests wait for the agent's own answers, which look at files and at the
// gate: that is not for the relay to wait for.
//
// Owns one thread, on which Control answers, in the order of asking; control outlives it. ask() may
// come from any thread and does not wait. Bounded: what there is no room for is refused. stop()
// answers what was asked before. Errors: an answer that throws is an error answer.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "agent/control.h"

namespace strop::agent {

class ControlDesk {
 public:
  static constexpr std::size_t kMostWaiting = 256;

  explicit ControlDesk(const Control& control);
  ~ControlDesk();

  struct Request {
    std::string method;
    std::string id;  // JSON text
    std::string body;
  };
  using Reply = std::function<void(const std::string& body)>;
  // False: too much waits already; `reply` is not called.
  bool ask(Request request, Reply reply);

  void stop();

 private:
  void run();
  std::string answer(const Request& request) const;

  const Control& control_;
  std::mutex waiting_mutex_;
  std::condition_variable waiting_changed_;
  // Guarded by waiting_mutex_.
  std::deque<std::pair<Request, Reply>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace strop::agent
