// How many threads compute, and what each of them needs set.
//
// Process-wide settings of LibTorch and malloc, made once by a command before it computes; main
// thread, except for the last two. No errors but those of what is computed apart.
#pragma once

#include <pthread.h>

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

// What every thread that computes calls first. Numbers near zero count as zero, since they cost a
// hundred times as much on a CPU and change nothing. And OpenMP, which knows a number for each
// thread, is told how many threads an operator has: OpenBLAS asks nobody else, and what it computes
// with another number differs in the last bits.
void prepare_compute_thread();

// Calls f() on a thread of its own, so that the operator threads it has used end with it: OpenMP's
// wait awake for their next piece of work only while there are no more of them than cores, and each
// thread that computes has its own. A token of a served model is two hundred such pieces.
template <class F>
auto computed_apart(const F& f) {
  std::packaged_task<decltype(f())()> task([&] {
    pthread_setname_np(pthread_self(), "strop-loader");
    prepare_compute_thread();
    return f();
  });
  auto result = task.get_future();
  std::thread(std::move(task)).join();
  return result.get();
}

}  // namespace strop::trainer
