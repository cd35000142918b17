#include "collector/committer.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <memory>

namespace strop::collector {

Committer::Committer(Store& store) : store_(store) {
  boost::asio::post(thread_, [] { ::pthread_setname_np(::pthread_self(), "strop-commit"); });
}

Committer::~Committer() { thread_.join(); }

void Committer::start(const std::vector<PendingBatch>& batches, std::int64_t now_ms) {
  auto promise = std::make_shared<std::promise<Committed>>();
  commit_ = promise->get_future();
  boost::asio::post(thread_, [this, promise, &batches, now_ms] {
    try {
      const auto begin = std::chrono::steady_clock::now();
      Committed out{store_.commit(batches, now_ms), {}};
      out.took = std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now() - begin);
      promise->set_value(std::move(out));
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
    if (tell_) tell_();
  });
}

bool Committer::done() const {
  return commit_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void Committer::wait() const {
  if (commit_.valid()) commit_.wait();
}

Committed Committer::take() { return commit_.get(); }

}  // namespace strop::collector
