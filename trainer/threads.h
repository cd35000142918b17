// How many threads compute, and what each of them needs set.
//
// Process-wide settings of LibTorch and malloc, made once by a command before it computes; main
// thread, except for prepare_compute_thread. No errors.
#pragma once

#include <future>
#include <thread>
#include <utility>

namespace strop::trainer {

// The number asked for, or every core for 0.
int thread_count(int asked);

// For work that is one big computation: LibTorch spreads each operator over `threads`. Debian's
// LibTorch starts with one.
void use_operator_threads(int threads);

// For work that Shards spreads: each operator stays on the thread that calls it.
void use_shard_threads();

// Calls f() on a thread of its own, so that the operator threads it has used end with it: OpenMP's
// wait awake for their next piece of work only while there are no more of them than cores, and each
// thread that computes has its own. A token of a served model is two hundred such pieces.
template <class F>
auto computed_apart(F f) {
  std::packaged_task<decltype(f())()> task(std::move(f));
  auto result = task.get_future();
  std::thread(std::move(task)).join();
  return result.get();
}

// What every thread that computes calls first: numbers near zero count as zero, since they cost a
// hundred times as much on a CPU and change nothing.
void prepare_compute_thread();

}  // namespace strop::trainer
