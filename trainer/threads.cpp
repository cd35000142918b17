#include "trainer/threads.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>
#include <thread>

namespace strop::trainer {
namespace {

// Freed blocks stay with the process: a training step frees and asks for the same large ones again,
// and the kernel would clear each page every time (a sixth of a small model's step).
void keep_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace

int thread_count(int asked) {
  return asked > 0 ? asked : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void use_operator_threads(int threads) {
  keep_memory();
  at::set_num_threads(thread_count(threads));
  prepare_compute_thread();
}

void use_shard_threads() {
  keep_memory();
  at::set_num_threads(1);
  prepare_compute_thread();
}

void prepare_compute_thread() {
  at::globalContext().setFlushDenormal(true);
  at::init_num_threads();
}

}  // namespace strop::trainer
