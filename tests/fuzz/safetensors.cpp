// The header of a safetensors file: any bytes give tensors that lie in the data side by side, or a
// message.
//
// The first line of the input is how many bytes of data there are, the rest the header.
#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "driver.h"
#include "trainer/safetensors_header.h"

namespace {

using namespace strop::trainer;
using strop::fuzz::hash_of;
using strop::fuzz::require;

std::uint64_t run(std::string_view input) {
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::size_t data = std::strtoull(std::string(input.substr(0, line)).c_str(), nullptr, 10);
  input.remove_prefix(std::min(line + 1, input.size()));
  try {
    std::size_t end = 0;
    const auto entries = parse_safetensors_header(input, data);
    for (const TensorEntry& entry : entries) {
      std::size_t bytes = torch::elementSize(entry.dtype);
      for (const std::int64_t n : entry.shape) bytes *= static_cast<std::size_t>(n);
      require(entry.begin == end && entry.end - entry.begin == bytes, "tensors lie side by side");
      end = entry.end;
    }
    require(end == data, "every byte is some tensor's");
    return 1 + entries.size();
  } catch (const std::runtime_error& error) {
    return hash_of(std::string_view(error.what()).substr(0, 12));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive(
      {.run = run,
       .words = {"\"dtype\":", "\"shape\":[", "\"data_offsets\":[", "\"F32\"", "\"BF16\"", "\"U8\"",
                 "__metadata__", "18446744073709551615", "-1", "4294967296", "[[[[", "{}", "0,0"},
       .max_size = 4096},
      argc, argv);
}
