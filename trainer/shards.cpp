#include "trainer/shards.h"

#include <pthread.h>

#include "trainer/threads.h"

namespace strop::trainer {

Shards::Shards(Decoder& model, int threads) : parameters_(model.trainable()) {
  for (int i = 0; i < std::max(1, threads); ++i) {
    Decoder replica = model.replica();
    std::vector<torch::Tensor> parameters = replica.trainable();
    replicas_.push_back({std::move(replica), std::move(parameters)});
  }
  for (std::size_t i = 1; i < replicas_.size(); ++i) threads_.emplace_back([this, i] { serve(i); });
}

Shards::~Shards() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Shards::run(int count, const std::function<void(Decoder&, int)>& work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    count_ = count;
    next_ = 0;
    done_ = 0;
    folded_ = 0;
    fault_ = nullptr;
    gradients_.assign(static_cast<std::size_t>(count), {});
  }
  changed_.notify_all();
  take_shards(replicas_.front());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_ == count_; });
  work_ = nullptr;
  if (fault_ != nullptr) std::rethrow_exception(fault_);
}

void Shards::serve(std::size_t worker) {
  pthread_setname_np(pthread_self(), "strop-shard");
  prepare_compute_thread();
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || (work_ != nullptr && next_ < count_); });
      if (ending_) return;
    }
    take_shards(replicas_[worker]);
  }
}

void Shards::take_shards(Replica& replica) {
  for (;;) {
    int shard = 0;
    const std::function<void(Decoder&, int)>* work = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (work_ == nullptr || next_ >= count_) return;
      shard = next_++;
      work = work_;
    }
    std::exception_ptr fault;
    std::vector<torch::Tensor> gradients;
    try {
      (*work)(replica.model, shard);
    } catch (...) {
      fault = std::current_exception();
    }
    for (torch::Tensor& parameter : replica.parameters) {
      gradients.push_back(parameter.grad());
      parameter.mutable_grad() = torch::Tensor();
    }
    {
      const std::lock_guard lock(mutex_);
      gradients_[static_cast<std::size_t>(shard)] = std::move(gradients);
      if (fault != nullptr && fault_ == nullptr) fault_ = fault;
      ++done_;
      fold();
    }
    changed_.notify_all();
  }
}

// Adds what the next shards in order have computed, as soon as it is there: few gradients wait. The
// caller holds the mutex.
void Shards::fold() {
  torch::NoGradGuard no_grad;
  for (; folded_ < count_; ++folded_) {
    std::vector<torch::Tensor>& shard = gradients_[static_cast<std::size_t>(folded_)];
    if (shard.size() != parameters_.size() || shard.empty()) return;
    std::vector<torch::Tensor> sums;
    std::vector<torch::Tensor> parts;
    for (std::size_t i = 0; i < shard.size(); ++i) {
      if (!shard[i].defined()) continue;
      torch::Tensor& sum = parameters_[i].mutable_grad();
      if (sum.defined()) {
        sums.push_back(sum);
        parts.push_back(shard[i]);
      } else {
        sum = shard[i];
      }
    }
    if (!sums.empty()) at::_foreach_add_(sums, parts);
    shard.clear();
  }
}

}  // namespace strop::trainer
