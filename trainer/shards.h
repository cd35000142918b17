// Data parallelism within one process: the shards of a batch go to worker threads, each with a
// replica of the model.
//
// Small matrices do not scale over an operator's own threads; whole shards do. Replicas share the
// weights' storage and have gradients of their own, which are summed in the order of the shards:
// the result is the same bit for bit whatever the number of threads. Owns its threads and replicas;
// the model must outlive it, and must not gain or lose an adapter or a parameter meanwhile. Called
// from one thread. Errors: an exception in a shard is thrown again by `run`, after all have ended.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "trainer/model/decoder.h"
#include "trainer/torch.h"

namespace strop::trainer {

class Shards {
 public:
  // `threads` workers at most; one thread means the caller's own.
  Shards(Decoder& model, int threads);
  ~Shards();
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  // Calls work(replica, shard) for each shard in 0 … count − 1; what a shard adds to the gradients
  // of its replica's parameters is added to the model's own, shard by shard.
  void run(int count, const std::function<void(Decoder&, int)>& work);

 private:
  struct Replica {
    Decoder model;
    std::vector<torch::Tensor> parameters;
  };
  void serve(std::size_t worker);
  void take_shards(Replica& replica);
  void fold();

  std::vector<torch::Tensor> parameters_;  // of the model itself
  std::vector<Replica> replicas_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  const std::function<void(Decoder&, int)>* work_ = nullptr;
  int count_ = 0;
  int next_ = 0;
  int done_ = 0;
  int folded_ = 0;  // shards whose gradients the model has already
  bool ending_ = false;
  std::exception_ptr fault_;
  std::vector<std::vector<torch::Tensor>> gradients_;  // by shard, by parameter; until folded
};

}  // namespace strop::trainer
