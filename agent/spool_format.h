// The bytes of a spool segment: a header, then records, each with its own checksum.
//
// Pure functions over bytes, any thread. Integers are unsigned and little-endian, times
// milliseconds of the Unix epoch, sizes bytes. Errors: reading is total; what does not bear out its
// checksum is passed over and counted, never returned. FORMAT.md, "Spool", is the full text.
//
//   header  "STROPSPL", u32 version, 16 bytes epoch, u64 first_seq, u64 created_ms, u32 crc32c of
//           what is before it
//   record  4 bytes marker, u32 crc32c of all that follows, u32 size, u8 kind, u8 rule_size, u16
//           padding, u32 span, u64 seq, u64 t_ms, then `size` bytes: rule, payload, padding
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "schema/wire.h"

namespace strop::agent {

inline constexpr std::uint32_t kSegmentVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 8 + 4 + 16 + 8 + 8 + 4;
inline constexpr std::size_t kSpoolRecordHeaderBytes = 4 + 4 + 4 + 4 + 4 + 8 + 8;
// Room for a gap's reason in the place of any event.
inline constexpr std::size_t kLeastBodyBytes = 32;

// Values never change their meaning.
enum class SpoolKind : std::uint8_t {
  kEvent = 1,  // payload: the bytes that leave; rule: what let them
  kGap = 2,    // span sequence numbers without their events; rule: the reason
  kSuppressed =
      3,  // span events that got no number; rule: what suppressed them; seq: the last given
};

struct SpoolRecord {
  SpoolKind kind = SpoolKind::kEvent;
  std::uint32_t span = 1;
  std::uint64_t seq = 0;
  std::uint64_t t_ms = 0;
  std::string_view rule;
  std::string_view payload;

  // The last of its sequence numbers.
  std::uint64_t last_seq() const { return seq + span - 1; }
  bool numbered() const { return kind != SpoolKind::kSuppressed; }
};

struct SegmentHeader {
  schema::WireId epoch{};
  std::uint64_t first_seq = 1;
  std::uint64_t created_ms = 0;  // no record of it is older
};

std::string encode_segment_header(const SegmentHeader& header);

// Rules are cut at 255 bytes.
std::string encode_spool_record(const SpoolRecord& record);

// A gap of exactly `size` bytes, to be written over an event of that size.
// REQUIRES: `size` is that of an encoded record.
std::string encode_gap_over(const SpoolRecord& event, std::string_view reason, std::size_t size);

enum class HeaderFault {
  kDamaged,  // its records may be good all the same
  kForeign,  // a version this build does not know: to be left alone
};
tl::expected<SegmentHeader, HeaderFault> read_segment_header(std::string_view segment);

struct ScanResult {
  std::size_t end = 0;      // behind the last good record
  std::size_t skipped = 0;  // bytes passed over between good records
};

// Where a scan begins in a segment: behind its header.
inline constexpr std::size_t kFirstRecord = kSegmentHeaderBytes;

// Visits the good records from `begin` on, with their offset and size, until `visit` returns false
// (the end is then behind that record). `growing`: the file is still appended to, so the first
// bytes that are no record are one that is not yet whole, and the scan ends before them.
ScanResult scan_segment(
    std::string_view segment, std::size_t begin, bool growing,
    const std::function<bool(const SpoolRecord&, std::size_t offset, std::size_t size)>& visit);

// Whether the bytes behind a segment's last good record cannot be what a process left half written
// when it was killed. `end`: where scan_segment ended.
bool damaged_behind(std::string_view segment, std::size_t end);

// The event that goes over the wire for a gap.
std::string gap_event(std::uint64_t first_seq, std::uint64_t last_seq, std::uint64_t t_ms,
                      std::string_view reason);

}  // namespace strop::agent
