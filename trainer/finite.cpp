#include "trainer/finite.h"

#include <cstdint>

namespace strop::trainer {
namespace {

template <class Word>
std::optional<std::size_t> find(const void* data, std::size_t bytes, Word exponent) {
  const auto* words = static_cast<const Word*>(data);
  const std::size_t size = bytes / sizeof(Word);
  Word any = 0;  // without a branch, so that it is vectorized
  for (std::size_t i = 0; i < size; ++i)
    any = static_cast<Word>(any | ((words[i] & exponent) == exponent));
  if (any == 0) return std::nullopt;
  std::size_t at = 0;
  while ((words[at] & exponent) != exponent) ++at;
  return at;
}

}  // namespace

std::optional<std::size_t> first_not_finite(c10::ScalarType dtype, const void* data,
                                            std::size_t bytes) {
  switch (dtype) {
    case c10::ScalarType::Double:
      return find<std::uint64_t>(data, bytes, 0x7FF0000000000000U);
    case c10::ScalarType::Float:
      return find<std::uint32_t>(data, bytes, 0x7F800000U);
    case c10::ScalarType::BFloat16:
      return find<std::uint16_t>(data, bytes, 0x7F80U);
    case c10::ScalarType::Half:
      return find<std::uint16_t>(data, bytes, 0x7C00U);
    default:
      return std::nullopt;
  }
}

}  // namespace strop::trainer
