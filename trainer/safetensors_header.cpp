#include "trainer/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr int kDeepest = 3;  // levels: the header, an entry, its shape
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 40;

struct Dtype {
  const char* name;
  torch::ScalarType type;
};

constexpr Dtype kDtypes[] = {{"F32", torch::kFloat32},   {"F16", torch::kFloat16},
                             {"BF16", torch::kBFloat16}, {"F64", torch::kFloat64},
                             {"I64", torch::kInt64},     {"I32", torch::kInt32},
                             {"U8", torch::kUInt8}};

torch::ScalarType dtype_of(const std::string& name, const std::string& spelled) {
  std::string known;
  for (const Dtype& dtype : kDtypes) {
    if (spelled == dtype.name) return dtype.type;
    known += std::string(known.empty() ? "" : ", ") + dtype.name;
  }
  throw std::runtime_error("tensor '" + name + "' has the unknown dtype \"" + spelled +
                           "\": convert it to one of " + known);
}

std::uint64_t offset_of(const std::string& name, const json& value) {
  if (!value.is_number_unsigned())
    throw std::runtime_error("tensor '" + name + "' has the offset " + value.dump() +
                             ": the file is corrupt; copy it again");
  return value.get<std::uint64_t>();
}

TensorEntry read_entry(const std::string& name, const json& in, std::size_t data_size) {
  TensorEntry out;
  out.name = name;
  out.dtype = dtype_of(name, in.at("dtype").get<std::string>());
  std::uint64_t elements = 1;
  const json& shape = in.at("shape");
  if (!shape.is_array()) throw std::runtime_error("tensor '" + name + "' has no list as its shape");
  for (const json& one : shape) {
    const std::uint64_t n = one.is_number_unsigned() ? one.get<std::uint64_t>() : kMostElements + 1;
    if (n > kMostElements || (n > 0 && elements > kMostElements / n))
      throw std::runtime_error("tensor '" + name + "' has an impossible shape");
    elements *= n;
    out.shape.push_back(static_cast<std::int64_t>(n));
  }
  const json& offsets = in.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2)
    throw std::runtime_error("tensor '" + name + "' has not two data_offsets");
  out.begin = offset_of(name, offsets[0]);
  out.end = offset_of(name, offsets[1]);
  if (out.end < out.begin || out.end > data_size ||
      out.end - out.begin != elements * torch::elementSize(out.dtype))
    throw std::runtime_error(
        "tensor '" + name +
        "' lies outside the file or does not match its shape: the file is truncated or corrupt; "
        "copy it again");
  return out;
}

void check_places(const std::vector<TensorEntry>& entries, std::size_t data_size) {
  std::size_t taken = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin < taken)
      throw std::runtime_error("tensor '" + entry.name +
                               "' overlaps with another: the file is corrupt; copy it again");
    if (entry.begin > taken) break;
    taken = entry.end;
  }
  if (taken != data_size)
    throw std::runtime_error("its data have bytes from " + std::to_string(taken) +
                             " on that no tensor takes: the file is corrupt; copy it again");
}

}  // namespace

std::vector<TensorEntry> parse_safetensors_header(std::string_view text, std::size_t data_size) {
  const json parsed = json::parse(
      text.begin(), text.end(),
      [](int depth, json::parse_event_t, const json&) { return depth <= kDeepest; }, false);
  if (!parsed.is_object())
    throw std::runtime_error(
        "its header is not JSON, or no object: it is not a safetensors file, "
        "or corrupt; copy it again");
  std::vector<TensorEntry> out;
  for (const auto& [name, entry] : parsed.items()) {
    if (name == "__metadata__") continue;
    try {
      out.push_back(read_entry(name, entry, data_size));
    } catch (const json::exception& error) {
      throw std::runtime_error("the header's entry of '" + name + "' is malformed (" +
                               error.what() + "): the file is corrupt; copy it again");
    }
  }
  std::sort(out.begin(), out.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_places(out, data_size);
  return out;
}

std::string safetensors_dtype(torch::ScalarType type) {
  for (const Dtype& dtype : kDtypes)
    if (type == dtype.type) return dtype.name;
  throw std::runtime_error(std::string("safetensors cannot hold dtype ") + torch::toString(type));
}

}  // namespace strop::trainer
