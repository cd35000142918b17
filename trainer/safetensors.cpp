#include "trainer/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "trainer/finite.h"
#include "trainer/safetensors_header.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit

constexpr std::size_t kChunk = 512u << 10;  // what is read and looked at while it is in the cache
constexpr std::size_t kHugePage = 2u << 20;
constexpr int kDeepestIndex = 3;

class InputFile {
 public:
  explicit InputFile(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (file_ < 0 || fstat(file_, &status) != 0) {
      const std::string why = strerror(errno);
      if (file_ >= 0) close(file_);
      throw std::runtime_error("cannot read it (" + why + ")");
    }
    size_ = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
  }
  ~InputFile() { close(file_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::size_t size() const { return size_; }

  void read(std::size_t at, char* to, std::size_t bytes) const {
    while (bytes > 0) {
      const ssize_t got = pread(file_, to, bytes, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        throw std::runtime_error(got < 0 ? std::string("cannot read it (") + strerror(errno) + ")"
                                         : "it became shorter while it was read; copy it again");
      at += static_cast<std::size_t>(got);
      to += got;
      bytes -= static_cast<std::size_t>(got);
    }
  }

 private:
  int file_;
  std::size_t size_ = 0;
};

// Large weights get large pages: fewer faults now, fewer misses of the address cache later. Where
// the kernel has none to give nothing is lost.
void ask_for_huge_pages(char* data, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::size_t skipped = (kHugePage - address % kHugePage) % kHugePage;
  if (bytes < skipped + kHugePage) return;
  madvise(data + skipped, (bytes - skipped) / kHugePage * kHugePage, MADV_HUGEPAGE);
}

torch::Tensor read_tensor(const InputFile& file, std::size_t data, const TensorEntry& entry) {
  torch::Tensor out = torch::empty(entry.shape, entry.dtype);
  const std::size_t bytes = entry.end - entry.begin;
  if (bytes == 0) return out;
  char* to = static_cast<char*>(out.data_ptr());
  ask_for_huge_pages(to, bytes);
  for (std::size_t done = 0; done < bytes; done += kChunk) {
    const std::size_t size = std::min(kChunk, bytes - done);
    file.read(data + entry.begin + done, to + done, size);
    if (const auto bad = first_not_finite(entry.dtype, to + done, size))
      throw std::runtime_error(
          "tensor '" + entry.name + "' has NaN or infinity at element " +
          std::to_string(done / out.element_size() + *bad) +
          ": its weights are damaged; use an earlier checkpoint, or copy the file again");
  }
  return out;
}

NamedTensors read_tensors(const InputFile& file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length)
    throw std::runtime_error("it is too short to be a safetensors file; copy it again");
  file.read(0, reinterpret_cast<char*>(&length), sizeof length);
  if (length > kMaxHeader || length > file.size() - sizeof length)
    throw std::runtime_error(
        "its header length is impossible: it is not a safetensors file, or truncated; copy it "
        "again");
  std::string header(length, '\0');
  file.read(sizeof length, header.data(), length);
  const std::size_t data = sizeof length + length;
  NamedTensors out;
  for (const TensorEntry& entry : parse_safetensors_header(header, file.size() - data))
    out[entry.name] = read_tensor(file, data, entry);
  return out;
}

}  // namespace

tl::expected<NamedTensors, std::string> read_safetensors(const std::string& path) {
  try {
    return read_tensors(InputFile(path));
  } catch (const c10::Error& error) {  // LibTorch has no other word for memory that is not there
    return tl::unexpected(path + ": " + error.what_without_backtrace());
  } catch (const std::exception& error) {
    return tl::unexpected(path + ": " + error.what());
  }
}

tl::expected<NamedTensors, std::string> read_model_tensors(const std::string& directory) {
  std::ifstream index(directory + "/model.safetensors.index.json");
  if (!index) return read_safetensors(directory + "/model.safetensors");
  const json parsed = json::parse(
      index, [](int depth, json::parse_event_t, const json&) { return depth <= kDeepestIndex; },
      false);
  if (!parsed.is_object() || !parsed.contains("weight_map") || !parsed["weight_map"].is_object())
    return tl::unexpected(
        directory +
        "/model.safetensors.index.json has no weight_map; is it cut short? Copy it again");
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
    if (!part->empty())
      return tl::unexpected(directory + "/" + file + " has tensor '" + part->begin()->first +
                            "' that another file of the index has too; copy the folder again");
  }
  for (const auto& [name, file] : parsed["weight_map"].items())
    if (!out.contains(name))
      return tl::unexpected(directory + ": the index promises tensor '" + name + "', but " +
                            file.get<std::string>() + " lacks it; copy the folder again");
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
    header[name] = {{"dtype", safetensors_dtype(flat.back().scalar_type())},
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
