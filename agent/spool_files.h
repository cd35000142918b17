// The files and locks of the spool folder: what they are called, how one is replaced in one step.
//
// Functions over paths, any thread, any process. Errors are returned; errno stands behind those
// that give false.
//
//   STATE/install                   this user on this machine, 32 hexadecimal digits
//   STATE/spool/lock                held for a moment: shared to read, alone to change
//   STATE/spool/shipping            held by the agent that ships, as long as it does
//   STATE/spool/forgotten           replaced whenever something was forgotten
//   STATE/spool/ledger              sums over the epochs that are gone
//   STATE/spool/EPOCH/              locked by the agent that appends, as long as it lives
//   STATE/spool/EPOCH/00000001.seg  segments, counted from 1
//   STATE/spool/EPOCH/state         what became of them
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "agent/file_descriptor.h"
#include "schema/wire.h"

namespace strop::agent {

// A lock that ends with its owner, or with its process.
class FileLock {
 public:
  enum class Kind { kShared, kAlone };

  // Nothing: somebody else holds it, or it cannot be had at all. The file is made; its folder not.
  static std::optional<FileLock> try_take(const std::filesystem::path& file, Kind kind);
  // The same for a folder, which has to be there.
  static std::optional<FileLock> try_take_folder(const std::filesystem::path& folder, Kind kind);

 private:
  explicit FileLock(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  FileDescriptor descriptor_;
};

// The lock of the whole spool, waited for. Errors: not had in time.
tl::expected<FileLock, std::string> lock_spool(const std::filesystem::path& spool,
                                               FileLock::Kind kind,
                                               std::chrono::milliseconds patience);

std::filesystem::path spool_folder(const std::filesystem::path& state);
std::filesystem::path shipping_lock_file(const std::filesystem::path& spool);
std::filesystem::path forgotten_file(const std::filesystem::path& spool);
std::filesystem::path ledger_file(const std::filesystem::path& spool);
std::filesystem::path epoch_folder(const std::filesystem::path& spool, const schema::WireId& epoch);
std::filesystem::path epoch_state_file(const std::filesystem::path& epoch_folder);
std::filesystem::path segment_file(const std::filesystem::path& epoch_folder, std::uint32_t index);

// Folders of the spool that are epochs.
std::vector<schema::WireId> list_epochs(const std::filesystem::path& spool);

struct SegmentFile {
  std::uint32_t index = 0;
  std::uint64_t size = 0;
  bool operator==(const SegmentFile&) const = default;
};

// By index.
std::vector<SegmentFile> list_segments(const std::filesystem::path& epoch_folder);

schema::WireId random_id();

// This user's on this machine; made at the first call.
tl::expected<schema::WireId, std::string> install_id(const std::filesystem::path& state);

// Another id from now on, on disk when it returns. Errors: what could not be written.
tl::expected<schema::WireId, std::string> renew_install_id(const std::filesystem::path& state);

// All of a file from `offset` on; nothing: it cannot be read.
std::optional<std::string> read_from(const std::filesystem::path& file, std::uint64_t offset = 0);

// A reader sees the old text or the new one, after a power cut too. `durable`: the new one is on
// disk when this returns.
bool replace_file(const std::filesystem::path& file, std::string_view text, bool durable);

// Writes all of it; false with errno.
bool write_whole(int descriptor, std::string_view bytes);

// The folder's entries to the disk.
bool sync_folder(const std::filesystem::path& folder);

}  // namespace strop::agent
