#include "agent/spool_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSegmentEnding = ".seg";
constexpr std::size_t kSegmentDigits = 8;
constexpr std::chrono::milliseconds kBetweenTries{2};

int operation(FileLock::Kind kind) {
  return (kind == FileLock::Kind::kAlone ? LOCK_EX : LOCK_SH) | LOCK_NB;
}

std::optional<std::uint32_t> segment_index(const std::string& name) {
  if (name.size() != kSegmentDigits + kSegmentEnding.size() || !name.ends_with(kSegmentEnding))
    return std::nullopt;
  std::uint32_t index = 0;
  const char* end = name.data() + kSegmentDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, index);
  if (error != std::errc() || stop != end || index == 0) return std::nullopt;
  return index;
}

std::string unique_suffix() { return ".new-" + schema::to_hex(random_id()); }

}  // namespace

std::optional<FileLock> FileLock::try_take(const fs::path& file, Kind kind) {
  FileDescriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!descriptor.is_open() || ::flock(descriptor.get(), operation(kind)) != 0) return std::nullopt;
  return FileLock(std::move(descriptor));
}

std::optional<FileLock> FileLock::try_take_folder(const fs::path& folder, Kind kind) {
  FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open() || ::flock(descriptor.get(), operation(kind)) != 0) return std::nullopt;
  return FileLock(std::move(descriptor));
}

tl::expected<FileLock, std::string> lock_spool(const fs::path& spool, FileLock::Kind kind,
                                               std::chrono::milliseconds patience) {
  const fs::path file = spool / "lock";
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    if (auto lock = FileLock::try_take(file, kind)) return std::move(*lock);
    const int fault = errno;
    if (fault != EWOULDBLOCK && fault != EINTR)
      return tl::unexpected("cannot lock " + file.string() + ": " + std::strerror(fault));
    if (std::chrono::steady_clock::now() >= deadline)
      return tl::unexpected("another strop-agent is busy with " + spool.string() +
                            "; try again when it is done");
    std::this_thread::sleep_for(kBetweenTries);
  }
}

fs::path spool_folder(const fs::path& state) { return state / "spool"; }
fs::path shipping_lock_file(const fs::path& spool) { return spool / "shipping"; }
fs::path forgotten_file(const fs::path& spool) { return spool / "forgotten"; }
fs::path ledger_file(const fs::path& spool) { return spool / "ledger"; }
fs::path epoch_folder(const fs::path& spool, const schema::WireId& epoch) {
  return spool / schema::to_hex(epoch);
}
fs::path epoch_state_file(const fs::path& folder) { return folder / "state"; }

fs::path segment_file(const fs::path& folder, std::uint32_t index) {
  std::string digits = std::to_string(index);
  if (digits.size() < kSegmentDigits) digits.insert(0, kSegmentDigits - digits.size(), '0');
  return folder / (digits + std::string(kSegmentEnding));
}

std::vector<schema::WireId> list_epochs(const fs::path& spool) {
  std::vector<schema::WireId> epochs;
  std::error_code error;
  for (fs::directory_iterator at(spool, error), end; !error && at != end; at.increment(error))
    if (const auto epoch = schema::wire_id_from_hex(at->path().filename().string()))
      epochs.push_back(*epoch);
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

std::vector<SegmentFile> list_segments(const fs::path& folder) {
  std::vector<SegmentFile> segments;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto index = segment_index(at->path().filename().string());
    if (!index) continue;
    std::error_code gone;
    const std::uintmax_t size = at->file_size(gone);
    if (!gone) segments.push_back({*index, size});
  }
  std::sort(segments.begin(), segments.end(),
            [](const SegmentFile& a, const SegmentFile& b) { return a.index < b.index; });
  return segments;
}

schema::WireId random_id() {
  schema::WireId id{};
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size()))
    throw std::runtime_error("the system gives no random numbers");
  return id;
}

tl::expected<schema::WireId, std::string> install_id(const fs::path& state) {
  const fs::path file = state / "install";
  const auto read = [&file]() -> std::optional<schema::WireId> {
    const auto text = read_from(file);
    if (!text) return std::nullopt;
    return schema::wire_id_from_hex(std::string_view(*text).substr(0, text->find('\n')));
  };
  if (const auto id = read()) return *id;
  std::error_code error;
  if (fs::exists(file, error))
    return tl::unexpected(file.string() +
                          " is damaged; remove it, and this machine counts as a new one");
  // Of two agents that make it at once one is first, and both read that one's.
  const fs::path fresh(file.string() + unique_suffix());
  if (!replace_file(fresh, schema::to_hex(random_id()) + "\n", true))
    return tl::unexpected("cannot write " + fresh.string() + ": " + std::strerror(errno));
  bool first = ::link(fresh.c_str(), file.c_str()) == 0 || errno == EEXIST;
  // What was sent under a name that a power cut takes back would be stored twice.
  first = sync_folder(state) && first;
  const int fault = errno;
  ::unlink(fresh.c_str());
  if (const auto id = read(); first && id) return *id;
  return tl::unexpected("cannot write " + file.string() + ": " + std::strerror(fault));
}

tl::expected<schema::WireId, std::string> renew_install_id(const fs::path& state) {
  const fs::path file = state / "install";
  const schema::WireId id = random_id();
  if (replace_file(file, schema::to_hex(id) + "\n", true)) return id;
  return tl::unexpected("cannot write " + file.string() + ": " + std::strerror(errno));
}

std::optional<std::string> read_from(const fs::path& file, std::uint64_t offset) {
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!descriptor.is_open() || ::fstat(descriptor.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return std::nullopt;
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  std::string bytes(size > offset ? size - offset : 0, '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count = ::pread(descriptor.get(), bytes.data() + got, bytes.size() - got,
                                  static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

bool write_whole(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool replace_file(const fs::path& file, std::string_view text, bool durable) {
  const fs::path fresh(file.string() + unique_suffix());
  FileDescriptor out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out.is_open()) return false;
  const bool written = write_whole(out.get(), text) && ::fdatasync(out.get()) == 0;
  if (!written || ::rename(fresh.c_str(), file.c_str()) != 0) {
    const int fault = errno;
    ::unlink(fresh.c_str());
    errno = fault;
    return false;
  }
  return !durable || sync_folder(file.parent_path());
}

bool sync_folder(const fs::path& folder) {
  const FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return descriptor.is_open() && ::fsync(descriptor.get()) == 0;
}

}  // namespace strop::agent
