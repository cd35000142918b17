#include "trainer/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace strop::trainer {
namespace {

constexpr std::size_t kHugePage = 2U << 20;

}  // namespace

torch::Tensor empty_on_huge_pages(at::IntArrayRef shape, torch::ScalarType type) {
  torch::Tensor out = torch::empty(shape, type);
  char* const data = static_cast<char*>(out.data_ptr());
  const std::size_t bytes = out.nbytes();
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::size_t skipped = (kHugePage - address % kHugePage) % kHugePage;
  if (bytes >= skipped + kHugePage)
    ::madvise(data + skipped, (bytes - skipped) / kHugePage * kHugePage, MADV_HUGEPAGE);
  return out;
}

torch::Tensor in_type(const torch::Tensor& tensor, torch::ScalarType type) {
  if (tensor.scalar_type() == type || !tensor.is_cpu()) return tensor.to(type).contiguous();
  return empty_on_huge_pages(tensor.sizes(), type).copy_(tensor);
}

}  // namespace strop::trainer
