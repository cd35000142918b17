// Keys and values of one sequence: copied, cut and given room.
//
// Free functions on values; one thread a cache. Lengths and capacities are positions, sizes bytes.
// No errors of their own; LibTorch throws where there is no memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/model/decoder.h"

namespace strop::trainer {

std::int64_t capacity_of(const KvCache& cache);
std::size_t bytes_of(const KvCache& cache);

// The first `length` positions of `cache`, in memory of its own with room for `capacity`.
KvCache copy_of(const KvCache& cache, std::int64_t length, std::int64_t capacity);

// A capacity for `length` positions and some more, so that what grows seldom has to move.
std::int64_t roomy(std::int64_t length);

// Room for `length` positions; a roomy capacity where it has to move.
void make_room(KvCache& cache, std::int64_t length);

}  // namespace strop::trainer
