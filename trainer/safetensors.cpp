#include "trainer/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit

struct Dtype {
  const char* name;
  torch::ScalarType type;
};

constexpr Dtype kDtypes[] = {{"F32", torch::kFloat32},   {"F16", torch::kFloat16},
                             {"BF16", torch::kBFloat16}, {"F64", torch::kFloat64},
                             {"I64", torch::kInt64},     {"I32", torch::kInt32},
                             {"U8", torch::kUInt8}};

std::optional<torch::ScalarType> dtype_by_name(const std::string& name) {
  for (const Dtype& dtype : kDtypes)
    if (name == dtype.name) return dtype.type;
  return std::nullopt;
}

std::string dtype_name(torch::ScalarType type) {
  for (const Dtype& dtype : kDtypes)
    if (type == dtype.type) return dtype.name;
  throw std::runtime_error(std::string("safetensors cannot hold dtype ") + torch::toString(type));
}

class Mapping {
 public:
  explicit Mapping(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || fstat(file, &status) != 0) {
      const std::string why = strerror(errno);
      if (file >= 0) close(file);
      throw std::runtime_error("cannot read it (" + why + ")");
    }
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ > 0) data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (data_ == MAP_FAILED)
      throw std::runtime_error(std::string("cannot map it (") + strerror(errno) + ")");
  }
  ~Mapping() {
    if (data_ != nullptr) munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  const char* data() const { return static_cast<const char*>(data_); }
  std::size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

torch::Tensor read_tensor(const std::string& name, const json& entry, const char* data,
                          std::size_t size,
                          std::vector<std::pair<std::size_t, std::size_t>>& taken) {
  const auto type = dtype_by_name(entry.at("dtype").get<std::string>());
  if (!type)
    throw std::runtime_error("tensor '" + name + "' has the unknown dtype " +
                             entry.at("dtype").dump());
  const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
  const auto begin = entry.at("data_offsets").at(0).get<std::size_t>();
  const auto end = entry.at("data_offsets").at(1).get<std::size_t>();
  std::uint64_t elements = 1;
  for (const std::int64_t n : shape) {
    if (n < 0 || (n > 0 && elements > (std::uint64_t{1} << 40) / static_cast<std::uint64_t>(n)))
      throw std::runtime_error("tensor '" + name + "' has an impossible shape");
    elements *= static_cast<std::uint64_t>(n);
  }
  const std::size_t bytes = elements * torch::elementSize(*type);
  if (end < begin || end > size || end - begin != bytes)
    throw std::runtime_error(
        "tensor '" + name +
        "' lies outside the file or does not match its shape: the file is truncated or corrupt");
  taken.emplace_back(begin, end);
  torch::Tensor out = torch::empty(shape, *type);
  if (bytes > 0) std::memcpy(out.data_ptr(), data + begin, bytes);
  return out;
}

NamedTensors read_mapped(const Mapping& file) {
  if (file.size() < 8) throw std::runtime_error("it is too short to be a safetensors file");
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  if (header > kMaxHeader || header > file.size() - 8)
    throw std::runtime_error(
        "its header length is impossible: it is not a safetensors file, or truncated");
  const json parsed = json::parse(file.data() + 8, file.data() + 8 + header, nullptr, false);
  if (!parsed.is_object()) throw std::runtime_error("its header is not JSON");
  NamedTensors out;
  std::vector<std::pair<std::size_t, std::size_t>> taken;
  for (const auto& [name, entry] : parsed.items()) {
    if (name == "__metadata__") continue;
    try {
      out[name] =
          read_tensor(name, entry, file.data() + 8 + header, file.size() - 8 - header, taken);
    } catch (const json::exception& error) {
      throw std::runtime_error("the header's entry of '" + name + "' is malformed (" +
                               error.what() + ")");
    }
  }
  std::sort(taken.begin(), taken.end());
  for (std::size_t i = 1; i < taken.size(); ++i)
    if (taken[i].first < taken[i - 1].second)
      throw std::runtime_error("two tensors overlap: the file is corrupt");
  return out;
}

}  // namespace

tl::expected<NamedTensors, std::string> read_safetensors(const std::string& path) {
  try {
    return read_mapped(Mapping(path));
  } catch (const std::exception& error) {
    return tl::unexpected(path + ": " + error.what());
  }
}

tl::expected<NamedTensors, std::string> read_model_tensors(const std::string& directory) {
  std::ifstream index(directory + "/model.safetensors.index.json");
  if (!index) return read_safetensors(directory + "/model.safetensors");
  const json parsed = json::parse(index, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("weight_map") || !parsed["weight_map"].is_object())
    return tl::unexpected(directory + "/model.safetensors.index.json has no weight_map");
  std::set<std::string> files;
  for (const auto& [name, file] : parsed["weight_map"].items()) {
    const std::string text = file.is_string() ? file.get<std::string>() : "";
    if (text.empty() || text.find('/') != std::string::npos)
      return tl::unexpected(directory + "/model.safetensors.index.json: the file of '" + name +
                            "' is no file name");
    files.insert(text);
  }
  NamedTensors out;
  for (const std::string& file : files) {
    auto part = read_safetensors(directory + "/" + file);
    if (!part) return part;
    out.merge(*part);
  }
  for (const auto& [name, file] : parsed["weight_map"].items())
    if (!out.contains(name))
      return tl::unexpected(directory + ": the index promises tensor '" + name + "', but " +
                            file.get<std::string>() + " lacks it");
  return out;
}

void write_safetensors(const std::string& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  std::vector<torch::Tensor> flat;
  for (const auto& [name, tensor] : tensors) {
    flat.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const std::size_t bytes = flat.back().nbytes();
    header[name] = {{"dtype", dtype_name(flat.back().scalar_type())},
                    {"shape", flat.back().sizes().vec()},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data starts aligned
  const std::uint64_t length = text.size();
  const std::string temporary = path + ".tmp";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(&length), 8);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    for (const torch::Tensor& tensor : flat)
      out.write(static_cast<const char*>(tensor.data_ptr()),
                static_cast<std::streamsize>(tensor.nbytes()));
    out.flush();
    if (!out) {
      const int error = errno;
      unlink(temporary.c_str());
      throw std::runtime_error("cannot write " + temporary + ": " + strerror(error) +
                               " (is the disk full?)");
    }
  }
  const int file = open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  if (file >= 0) close(file);
  if (!synced || rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    throw std::runtime_error("cannot finish " + path + ": " + strerror(error));
  }
}

}  // namespace strop::trainer
