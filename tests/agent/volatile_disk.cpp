#include "volatile_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "agent/spool_files.h"

namespace strop::agent::test {
namespace {

namespace fs = std::filesystem;

VolatileDisk* the_disk = nullptr;

struct stat facts_of(const fs::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) throw std::runtime_error("stat " + path.string());
  return facts;
}

std::string bytes_of(const FileDescriptor& file) {
  struct stat facts {};
  ::fstat(file.get(), &facts);
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

template <class Visit>
void each_entry(const fs::path& folder, const Visit& visit) {
  DIR* open = ::opendir(folder.c_str());
  if (open == nullptr) return;
  while (const dirent* entry = ::readdir(open)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") visit(name, entry->d_ino, entry->d_type == DT_DIR);
  }
  ::closedir(open);
}

}  // namespace

VolatileDisk::VolatileDisk(fs::path root, std::mt19937_64& random, Honesty honesty)
    : root_(std::move(root)), random_(random), honesty_(honesty), root_id_(facts_of(root_).st_ino) {
  take_all(root_, root_id_);
  the_disk = this;
}

VolatileDisk::~VolatileDisk() { the_disk = nullptr; }

VolatileDisk* VolatileDisk::current() { return the_disk; }

void VolatileDisk::take_all(const fs::path& folder, ino_t id) {
  Listing& listing = durable_[id];
  each_entry(folder, [&](const std::string& name, ino_t entry, bool is_folder) {
    listing[name] = {entry, is_folder};
    if (is_folder) return take_all(folder / name, entry);
    File& file = hold(entry, folder / name);
    file.durable = bytes_of(file.held);
  });
}

VolatileDisk::File& VolatileDisk::hold(ino_t id, const fs::path& path) {
  File& file = files_[id];
  if (!file.held.is_open()) file.held = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file;
}

void VolatileDisk::cut_before_call(unsigned n, fs::path image, End end) {
  cut_in_ = n;
  image_ = std::move(image);
  end_ = end;
}

void VolatileDisk::count() {
  if (cut_done_ || cut_in_ == 0 || --cut_in_ > 0) return;
  cut(image_, end_);
}

int VolatileDisk::sync(int descriptor) {
  count();
  if (cut_done_) return 0;
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return -1;
  const fs::path path = fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor));
  if (S_ISDIR(facts.st_mode)) {
    if (!honesty_.folders) return 0;
    Listing listing;
    each_entry(path, [&](const std::string& name, ino_t id, bool is_folder) {
      listing[name] = {id, is_folder};
      if (!is_folder) hold(id, path / name);
    });
    durable_[facts.st_ino] = std::move(listing);
    return 0;
  }
  if (failing_) {
    errno = EIO;
    return -1;
  }
  if (!honesty_.files) return 0;
  File& file = hold(facts.st_ino, path);
  file.durable = bytes_of(file.held);
  return 0;
}

ssize_t VolatileDisk::draw(void* out, std::size_t size) {
  std::generate_n(static_cast<char*>(out), size, [this] { return static_cast<char>(random_()); });
  return static_cast<ssize_t>(size);
}

void VolatileDisk::before_removal(const char* path) {
  count();
  struct stat facts {};
  if (!cut_done_ && ::stat(path, &facts) == 0) hold(facts.st_ino, path);
}

void VolatileDisk::map_now(const fs::path& folder, ino_t id) {
  paths_[id] = folder;
  Listing& listing = now_[id];
  each_entry(folder, [&](const std::string& name, ino_t entry, bool is_folder) {
    listing[name] = {entry, is_folder};
    if (is_folder)
      map_now(folder / name, entry);
    else
      paths_[entry] = folder / name;
  });
}

void VolatileDisk::cut(const fs::path& image, End end) {
  if (cut_done_) return;
  cut_done_ = true;
  map_now(root_, root_id_);
  write_folder(root_id_, image, end);
}

VolatileDisk::Listing VolatileDisk::surviving(ino_t folder, End end) {
  const Listing& now = now_[folder];
  if (end == End::kKill) return now;
  const Listing& durable = durable_[folder];
  Listing out;
  for (const auto& [name, entry] : durable) {
    const auto found = now.find(name);
    const bool unchanged = found != now.end() && found->second == entry;
    if (unchanged || coin()) out[name] = entry;
  }
  for (const auto& [name, entry] : now) {
    const auto found = durable.find(name);
    const bool is_new = found == durable.end();
    // What a rename replaced is never gone without what replaced it.
    if (!is_new && !out.contains(name)) out[name] = entry;
    if (is_new && coin()) out[name] = entry;
  }
  return out;
}

void VolatileDisk::write_folder(ino_t id, const fs::path& to, End end) {
  fs::create_directories(to);
  for (const auto& [name, entry] : surviving(id, end)) {
    if (entry.folder)
      write_folder(entry.id, to / name, end);
    else
      write_file(entry.id, to / name, end);
  }
}

void VolatileDisk::write_file(ino_t id, const fs::path& to, End end) {
  const auto known = files_.find(id);
  const std::string durable = known == files_.end() ? "" : known->second.durable;
  std::string now = durable;
  if (known != files_.end() && known->second.held.is_open())
    now = bytes_of(known->second.held);
  else if (paths_.contains(id))
    now = read_from(paths_[id]).value_or("");
  std::ofstream(to, std::ios::binary) << (end == End::kKill ? now : mixed(durable, now));
}

std::string VolatileDisk::mixed(const std::string& durable, const std::string& now) {
  if (durable == now || below(4) == 0) return now;
  if (below(4) == 0) return durable;
  const std::size_t least = std::min(durable.size(), now.size());
  const std::size_t most = std::max(durable.size(), now.size());
  const std::array<std::size_t, 3> sizes{least, most, least + below(most - least + 1)};
  std::string out(sizes[below(sizes.size())], '\0');
  constexpr std::array<std::size_t, 3> kBlocks{64, 512, 4096};
  const std::size_t block = kBlocks[below(kBlocks.size())];
  // Block by block, or in order up to some point.
  const bool ordered = coin();
  const std::size_t written = below(out.size() / block + 2);
  for (std::size_t at = 0; at < out.size(); at += block) {
    const std::string& from = (ordered ? at / block < written : coin()) ? now : durable;
    for (std::size_t i = at; i < std::min(at + block, out.size()); ++i)
      if (i < from.size()) out[i] = from[i];
  }
  return out;
}

}  // namespace strop::agent::test

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names.
extern "C" {
int __real_fsync(int descriptor);
int __real_fdatasync(int descriptor);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
ssize_t __real_getrandom(void* out, size_t size, unsigned flags);

using strop::agent::test::VolatileDisk;

int __wrap_fsync(int descriptor) {
  VolatileDisk* disk = VolatileDisk::current();
  return disk == nullptr ? __real_fsync(descriptor) : disk->sync(descriptor);
}
int __wrap_fdatasync(int descriptor) {
  VolatileDisk* disk = VolatileDisk::current();
  return disk == nullptr ? __real_fdatasync(descriptor) : disk->sync(descriptor);
}
int __wrap_rename(const char* from, const char* to) {
  if (VolatileDisk* disk = VolatileDisk::current()) disk->before_removal(to);
  return __real_rename(from, to);
}
int __wrap_unlink(const char* path) {
  if (VolatileDisk* disk = VolatileDisk::current()) disk->before_removal(path);
  return __real_unlink(path);
}
ssize_t __wrap_getrandom(void* out, size_t size, unsigned flags) {
  VolatileDisk* disk = VolatileDisk::current();
  return disk == nullptr ? __real_getrandom(out, size, flags) : disk->draw(out, size);
}
}
// NOLINTEND(bugprone-reserved-identifier)
