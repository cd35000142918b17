#include "trainer/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

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
  fs::create_directories(fresh);
  write_safetensors(fresh + "/model.safetensors", checkpoint.model, {});
  write_safetensors(fresh + "/optimizer.safetensors", checkpoint.optimizer, {});
  write_file(fresh + "/state.json", checkpoint.state.dump(1) + "\n");
  sync_path(fresh);
  fs::remove_all(old);
  if (fs::exists(directory)) fs::rename(directory, old);
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
  auto model = read_safetensors(found + "/model.safetensors");
  if (!model) return fault(model.error());
  auto optimizer = read_safetensors(found + "/optimizer.safetensors");
  if (!optimizer) return fault(optimizer.error());
  std::ifstream in(found + "/state.json");
  auto state = nlohmann::json::parse(in, nullptr, false);
  if (!state.is_object() || !state.contains("step"))
    return fault("state.json is missing or not JSON");
  return Checkpoint{std::move(*model), std::move(*optimizer), std::move(state)};
}

}  // namespace strop::trainer
