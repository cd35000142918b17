// Whether numbers as they lie in memory are finite. Faster than they can be read from anywhere.
//
// Pure function, any thread. NaN and infinity are what has every bit of its exponent set (IEEE 754;
// bfloat16 likewise).
#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <optional>

namespace strop::trainer {

// Index of the first element that is not finite; whole numbers all are. `data` is aligned to its
// elements.
std::optional<std::size_t> first_not_finite(c10::ScalarType dtype, const void* data,
                                            std::size_t bytes);

}  // namespace strop::trainer
