#include "trainer/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "trainer/digest.h"

namespace strop::trainer {
namespace {

namespace fs = std::filesystem;

void sync_path(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("cannot open " + path + ": " + strerror(errno));
  const int result = fsync(file);
  close(file);
  if (result != 0) throw std::runtime_error("cannot flush " + path + ": " + strerror(errno));
}

constexpr const char* kModel = "model.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";
constexpr const char* kSums = "SHA256SUMS";

std::string sums_of(const std::string& directory) {
  std::string out;
  for (const char* name : {kModel, kOptimizer, kState})
    out += file_sha256(directory + "/" + name) + "  " + name + "\n";
  return out;
}

// What of a checkpoint is not there, or not as it was written; empty: all is well.
std::string damage_of(const std::string& directory) {
  std::ifstream in(directory + "/" + kSums);
  for (const char* name : {kModel, kOptimizer, kState, kSums})
    if (!fs::is_regular_file(directory + "/" + name)) return std::string(name) + " is missing";
  for (const char* name : {kModel, kOptimizer, kState}) {
    std::string line;
    std::getline(in, line);
    if (line != file_sha256(directory + "/" + name) + "  " + name)
      return std::string(name) + " or " + kSums + " is not as it was written";
  }
  return "";
}

void write_checkpoint(const std::string& directory, const Checkpoint& checkpoint) {
  fs::create_directories(directory);
  write_safetensors(directory + "/" + kModel, checkpoint.model, {});
  write_safetensors(directory + "/" + kOptimizer, checkpoint.optimizer, {});
  write_file(directory + "/" + kState, checkpoint.state.dump(1) + "\n");
  write_file(directory + "/" + kSums, sums_of(directory));
  sync_path(directory);
}

const char* what_to_do(int error) {
  return error == ENOENT || error == ENOTDIR ? "; make that folder, or name another"
         : error == EACCES || error == EROFS ? "; name a folder that you may write to"
                                             : "; make room on the disk";
}

}  // namespace

void write_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out << text << std::flush;
    if (!out) {
      const int error = errno;
      unlink(temporary.c_str());
      throw std::runtime_error("cannot write " + temporary + ": " + strerror(error) +
                               what_to_do(error));
    }
  }
  try {
    sync_path(temporary);
    fs::rename(temporary, path);
  } catch (const std::exception&) {
    unlink(temporary.c_str());
    throw;
  }
}

void save_checkpoint(const std::string& directory, const Checkpoint& checkpoint) {
  const std::string fresh = directory + ".new";
  const std::string old = directory + ".old";
  fs::remove_all(fresh);
  try {
    write_checkpoint(fresh, checkpoint);
  } catch (const std::exception&) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);  // half of one only takes room on a disk that is full
    throw;
  }
  if (fs::exists(directory)) {  // else a kill left the old one as the only one that is whole
    fs::remove_all(old);
    fs::rename(directory, old);
  }
  fs::rename(fresh, directory);
  sync_path(fs::absolute(directory).parent_path().string());
  fs::remove_all(old);
}

tl::expected<std::optional<Checkpoint>, std::string> load_checkpoint(const std::string& directory) {
  // Killed between the two renames, the old one is the whole one.
  const std::string found = fs::exists(directory) ? directory : directory + ".old";
  if (!fs::exists(found)) return std::optional<Checkpoint>();
  const auto fault = [&](const std::string& what) {
    return tl::unexpected("the checkpoint " + found + " cannot be used: " + what +
                          ". Delete that folder to start the run afresh.");
  };
  if (const std::string damage = damage_of(found); !damage.empty()) return fault(damage);
  auto model = read_safetensors(found + "/" + kModel);
  if (!model) return fault(model.error());
  auto optimizer = read_safetensors(found + "/" + kOptimizer);
  if (!optimizer) return fault(optimizer.error());
  std::ifstream in(found + "/" + kState);
  auto state = nlohmann::json::parse(in, nullptr, false);
  if (!state.is_object() || !state.contains("step")) return fault("state.json has no step");
  return Checkpoint{std::move(*model), std::move(*optimizer), std::move(state)};
}

void remove_checkpoint(const std::string& directory) {
  const std::string gone = directory + ".new";  // which nobody reads
  // The old one first: without the other it is the one that is read.
  for (const std::string& one : {directory + ".old", directory}) {
    fs::remove_all(gone);
    if (fs::exists(one)) fs::rename(one, gone);
  }
  fs::remove_all(gone);
}

std::string differences(const nlohmann::json& a, const nlohmann::json& b) {
  std::string out;
  for (const nlohmann::json& change : nlohmann::json::diff(a, b)) {
    std::string path = change.at("path");
    std::replace(path.begin(), path.end(), '/', '.');
    out += (out.empty() ? "" : ", ") + path.substr(std::min<std::size_t>(1, path.size()));
  }
  return out;
}

}  // namespace strop::trainer
