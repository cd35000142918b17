#include "trainer/model/kv_cache.h"

#include <algorithm>

namespace strop::trainer {
namespace {

using torch::Tensor;

constexpr std::int64_t kStep = 256;

Tensor copied(const Tensor& from, std::int64_t length, std::int64_t capacity) {
  Tensor out = from.new_empty({from.size(0), from.size(1), capacity, from.size(3)});
  out.narrow(2, 0, length).copy_(from.narrow(2, 0, length));
  return out;
}

}  // namespace

std::int64_t capacity_of(const KvCache& cache) {
  return cache.keys.empty() ? 0 : cache.keys.front().size(2);
}

std::size_t bytes_of(const KvCache& cache) {
  std::size_t out = 0;
  for (const auto* side : {&cache.keys, &cache.values})
    for (const Tensor& tensor : *side) out += tensor.nbytes();
  return out;
}

KvCache copy_of(const KvCache& cache, std::int64_t length, std::int64_t capacity) {
  KvCache out;
  for (const Tensor& keys : cache.keys) out.keys.push_back(copied(keys, length, capacity));
  for (const Tensor& values : cache.values) out.values.push_back(copied(values, length, capacity));
  out.length = length;
  return out;
}

std::int64_t roomy(std::int64_t length) { return (length / kStep + 1) * kStep; }

void make_room(KvCache& cache, std::int64_t length) {
  if (length <= capacity_of(cache)) return;
  cache = copy_of(cache, cache.length, roomy(length));
}

}  // namespace strop::trainer
