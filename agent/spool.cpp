#include "agent/spool.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

#include "agent/spool_files.h"
#include "agent/spool_format.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kTriesForFolder = 8;
constexpr std::size_t kMaxRules = 64;  // counted in memory between two syncs
constexpr std::string_view kOtherRules = "others";
constexpr const char* kReserveFile = "reserve";
constexpr std::size_t kReserveBytes = 16 << 10;  // kMaxRules counts, a gap and a segment's header
constexpr const char* kDiskFull = "disk_full";
constexpr const char* kTooLarge = "too_large";

double system_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

[[noreturn]] void fail(const fs::path& what) {
  throw std::runtime_error("cannot make " + what.string() + ": " + std::strerror(errno));
}

}  // namespace

class Spool::Impl {
 public:
  explicit Impl(SpoolOptions options) : options_(std::move(options)), epoch_(random_id()) {
    if (!options_.now_ms) options_.now_ms = system_ms;
    if (!options_.write) options_.write = write_whole;
    make_folder();
    reserve();
  }
  ~Impl() {
    // The last that is said of a full disk has a place of its own on it.
    const bool good = sync();
    release();
    if (!good) sync();
    if (index_ == 0) ::rmdir(folder_.c_str());
  }

  std::optional<std::uint64_t> append(std::string_view record, std::string_view rule);
  void suppress(std::string_view rule);
  bool sync();
  const schema::WireId& epoch() const { return epoch_; }

 private:
  // Sequence numbers whose events are gone and whose gap is not on disk yet.
  struct Debt {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::string reason;
  };

  void make_folder();
  void reserve();
  void release() const { ::unlink((folder_ / kReserveFile).c_str()); }
  bool settle();
  bool settle_suppressed();
  bool sync_folders();
  bool put(const SpoolRecord& record);
  bool open_segment(std::uint64_t first_seq);
  void close_segment();
  void give_up(std::uint64_t seq, const char* reason);
  void complain(const char* what);
  std::uint64_t now() const { return static_cast<std::uint64_t>(options_.now_ms()); }

  SpoolOptions options_;
  const schema::WireId epoch_;
  fs::path folder_;
  FileDescriptor own_;  // the folder, locked
  FileDescriptor segment_;
  std::uint32_t index_ = 0;  // of the newest segment; 0: none
  std::uint64_t size_ = 0;   // of the open segment
  std::uint64_t last_seq_ = 0;
  std::optional<Debt> debt_;
  std::map<std::string, std::uint32_t, std::less<>> suppressed_;  // by rule, not on disk yet
  bool unsynced_file_ = false;
  bool unsynced_folder_ = true;
  bool unsynced_parents_ = true;
  bool lost_in_sync_ = false;  // the disk did not take a segment that is closed by now
  bool complained_ = false;
  bool reserved_ = false;
};

// The folder takes its name when it is locked already, so that nobody takes it for a dead one's.
void Spool::Impl::make_folder() {
  const fs::path spool = spool_folder(options_.state);
  std::error_code error;
  fs::create_directories(options_.state, error);
  if (::mkdir(spool.c_str(), 0700) != 0 && errno != EEXIST) fail(spool);
  folder_ = epoch_folder(spool, epoch_);
  for (int i = 0; i < kTriesForFolder; ++i) {
    const fs::path fresh = spool / (".new-" + schema::to_hex(epoch_));
    if (::mkdir(fresh.c_str(), 0700) != 0 && errno != EEXIST) fail(fresh);
    own_ = FileDescriptor(::open(fresh.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (own_.is_open() && ::flock(own_.get(), LOCK_EX | LOCK_NB) == 0 &&
        ::rename(fresh.c_str(), folder_.c_str()) == 0)
      return;
  }
  fail(folder_);
}

// Room for what is counted at the end. Real bytes: a file of holes takes none.
void Spool::Impl::reserve() {
  const fs::path file = folder_ / kReserveFile;
  const FileDescriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  reserved_ = out.is_open() && options_.write(out.get(), std::string(kReserveBytes, '\0'));
  if (!reserved_) release();
}

std::optional<std::uint64_t> Spool::Impl::append(std::string_view record, std::string_view rule) {
  const std::uint64_t seq = ++last_seq_;
  if (record.size() > schema::kMaxRecordBytes) {
    give_up(seq, kTooLarge);
    settle();
    return std::nullopt;
  }
  if (settle() && put({SpoolKind::kEvent, 1, seq, now(), rule, record})) return seq;
  give_up(seq, kDiskFull);
  return std::nullopt;
}

void Spool::Impl::give_up(std::uint64_t seq, const char* reason) {
  if (!debt_) debt_ = Debt{seq, seq, reason};
  // Runs on: every number since is in it.
  debt_->last = seq;
}

void Spool::Impl::suppress(std::string_view rule) {
  // Never more rules in memory than so many, even while the disk is full.
  if (suppressed_.size() >= kMaxRules && !suppressed_.contains(rule) && !settle_suppressed())
    rule = kOtherRules;
  const auto found = suppressed_.find(rule);
  if (found != suppressed_.end())
    ++found->second;
  else
    suppressed_.emplace(rule, 1);
}

// Writes what could not be written before.
bool Spool::Impl::settle() {
  if (!debt_) return true;
  const auto span = static_cast<std::uint32_t>(debt_->last - debt_->first + 1);
  if (!put({SpoolKind::kGap, span, debt_->first, now(), debt_->reason, {}})) return false;
  debt_.reset();
  return true;
}

bool Spool::Impl::settle_suppressed() {
  while (!suppressed_.empty()) {
    const auto one = suppressed_.begin();
    if (!put({SpoolKind::kSuppressed, one->second, last_seq_, now(), one->first, {}})) return false;
    suppressed_.erase(one);
  }
  return true;
}

bool Spool::Impl::open_segment(std::uint64_t first_seq) {
  const fs::path file = segment_file(folder_, index_ + 1);
  segment_ = FileDescriptor(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  const std::string header = encode_segment_header({epoch_, first_seq, now()});
  if (!segment_.is_open() || !options_.write(segment_.get(), header)) {
    const int fault = errno;
    if (segment_.is_open()) ::unlink(file.c_str());
    segment_.close();
    errno = fault;
    return false;
  }
  ++index_;
  size_ = header.size();
  unsynced_file_ = unsynced_folder_ = true;
  return true;
}

void Spool::Impl::close_segment() {
  if (unsynced_file_ && ::fdatasync(segment_.get()) != 0) {
    complain("sync");
    lost_in_sync_ = true;
  }
  unsynced_file_ = false;
  segment_.close();
}

bool Spool::Impl::put(const SpoolRecord& record) {
  if (segment_.is_open() && size_ >= options_.segment_bytes) close_segment();
  if (!segment_.is_open() && !open_segment(record.numbered() ? record.seq : record.seq + 1)) {
    complain("open a segment");
    return false;
  }
  const std::string bytes = encode_spool_record(record);
  if (!options_.write(segment_.get(), bytes)) {
    complain("write");
    // Half a record is no harm, it is passed over; but what is appended behind it must be found.
    if (::ftruncate(segment_.get(), static_cast<off_t>(size_)) != 0) close_segment();
    return false;
  }
  size_ += bytes.size();
  unsynced_file_ = true;
  return true;
}

bool Spool::Impl::sync() {
  bool good = settle() && settle_suppressed();
  if (std::exchange(lost_in_sync_, false)) good = false;
  if (unsynced_file_ && segment_.is_open()) {
    unsynced_file_ = false;
    if (::fdatasync(segment_.get()) != 0) {
      // What the disk did not take is not tried again by a second call; a new file may fare better.
      complain("sync");
      segment_.close();
      good = false;
    }
  }
  if (index_ > 0 && !sync_folders()) {
    complain("sync the folder");
    good = false;
  }
  if (good && complained_) {
    spdlog::warn("spool: {} takes what is captured again; what was given up is in the ledger",
                 folder_.string());
    complained_ = false;
    if (!reserved_) reserve();
  }
  return good;
}

// A file is there after a power cut if each folder above it has its entry.
bool Spool::Impl::sync_folders() {
  if (unsynced_folder_) unsynced_folder_ = ::fsync(own_.get()) != 0;
  if (unsynced_parents_) {
    unsynced_parents_ = !sync_folder(folder_.parent_path()) || !sync_folder(options_.state);
    sync_folder(options_.state.parent_path());  // it may not be ours to read
  }
  return !unsynced_folder_ && !unsynced_parents_;
}

// Once, until the disk takes something again.
void Spool::Impl::complain(const char* what) {
  if (!complained_)
    spdlog::error(
        "spool: cannot {} in {}: {}; what is captured meanwhile is given up, and counted. Make "
        "room on that disk",
        what, folder_.string(), std::strerror(errno));
  complained_ = true;
}

Spool::Spool(SpoolOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Spool::~Spool() = default;

std::optional<std::uint64_t> Spool::append(std::string_view record, std::string_view rule) {
  return impl_->append(record, rule);
}
void Spool::suppress(std::string_view rule) { impl_->suppress(rule); }
bool Spool::sync() { return impl_->sync(); }
const schema::WireId& Spool::epoch() const { return impl_->epoch(); }

}  // namespace strop::agent
