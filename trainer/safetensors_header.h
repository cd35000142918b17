// The JSON header of a safetensors file: which tensors lie where in the data behind it.
//
// Pure function, any thread. Offsets are bytes from the beginning of the data. Errors: what the
// format does not allow (unknown dtype, a shape that does not fit, tensors that overlap, lie
// outside or leave holes) throws std::runtime_error that names the tensor; nothing is allocated for
// what a header merely claims.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trainer/torch.h"

namespace strop::trainer {

struct TensorEntry {
  std::string name;
  torch::ScalarType dtype = torch::kFloat32;
  std::vector<std::int64_t> shape;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// In the order of the data. `data_size`: bytes behind the header.
std::vector<TensorEntry> parse_safetensors_header(std::string_view json, std::size_t data_size);

// As the format spells it; throws for what it cannot hold.
std::string safetensors_dtype(torch::ScalarType dtype);

}  // namespace strop::trainer
