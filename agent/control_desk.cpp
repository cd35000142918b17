#include "agent/control_desk.h"

#include <pthread.h>

#include <exception>
#include <utility>

#include "agent/rewrite.h"

namespace strop::agent {

ControlDesk::ControlDesk(const Control& control) : control_(control) {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "control");
}

ControlDesk::~ControlDesk() { stop(); }

bool ControlDesk::ask(Request request, Reply reply) {
  {
    const std::lock_guard lock(waiting_mutex_);
    if (stopping_ || waiting_.size() >= kMostWaiting) return false;
    waiting_.emplace_back(std::move(request), std::move(reply));
  }
  waiting_changed_.notify_one();
  return true;
}

void ControlDesk::stop() {
  {
    const std::lock_guard lock(waiting_mutex_);
    stopping_ = true;
  }
  waiting_changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ControlDesk::run() {
  std::unique_lock lock(waiting_mutex_);
  while (true) {
    waiting_changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto [request, reply] = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    reply(answer(request));
    lock.lock();
  }
}

std::string ControlDesk::answer(const Request& request) const {
  try {
    return control_.answer(request.method, request.id, request.body);
  } catch (const std::exception& error) {
    return error_answer(request.id, kRequestFailed, error.what());
  }
}

}  // namespace strop::agent
