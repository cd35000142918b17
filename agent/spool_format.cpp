#include "agent/spool_format.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "schema/event.h"

namespace strop::agent {
namespace {

constexpr std::string_view kMagic = "STROPSPL";
// Its first byte is in no UTF-8 text, so it is not in a payload.
constexpr std::string_view kMarker = "\xffSPL";
constexpr std::size_t kMaxRule = 255;
constexpr std::size_t kMaxBodyBytes = schema::kMaxRecordBytes + kMaxRule + kLeastBodyBytes;
// As the collector has it: it counts with a sign.
constexpr std::uint64_t kLastSeq = std::uint64_t{1} << 62;

template <class Number>
void put(std::string& out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <class Number>
Number get(std::string_view bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  return static_cast<Number>(value);
}

bool is_kind(std::uint8_t value) {
  return value >= static_cast<std::uint8_t>(SpoolKind::kEvent) &&
         value <= static_cast<std::uint8_t>(SpoolKind::kSuppressed);
}

struct Place {
  std::uint32_t crc = 0;
  std::uint32_t size = 0;  // of the body
  std::size_t whole() const { return kSpoolRecordHeaderBytes + size; }
};

// Where the record at the front of `bytes` ends, if there can be one.
bool measure(std::string_view bytes, Place& place) {
  if (bytes.size() < kSpoolRecordHeaderBytes || !bytes.starts_with(kMarker)) return false;
  place.crc = get<std::uint32_t>(bytes, 4);
  place.size = get<std::uint32_t>(bytes, 8);
  return place.size >= kLeastBodyBytes && place.size <= kMaxBodyBytes &&
         bytes.size() >= place.whole();
}

bool read_record(std::string_view bytes, SpoolRecord& record, std::size_t& size) {
  Place place;
  if (!measure(bytes, place)) return false;
  size = place.whole();
  if (schema::crc32c(bytes.substr(8, size - 8)) != place.crc) return false;
  const auto kind = get<std::uint8_t>(bytes, 12);
  const std::size_t rule = get<std::uint8_t>(bytes, 13);
  const std::size_t padding = get<std::uint16_t>(bytes, 14);
  if (!is_kind(kind) || rule > place.size) return false;
  record.kind = static_cast<SpoolKind>(kind);
  record.span = get<std::uint32_t>(bytes, 16);
  record.seq = get<std::uint64_t>(bytes, 20);
  record.t_ms = get<std::uint64_t>(bytes, 28);
  if (record.span == 0 || record.seq > kLastSeq || (record.numbered() && record.seq == 0))
    return false;
  const std::string_view body = bytes.substr(kSpoolRecordHeaderBytes, place.size);
  record.rule = body.substr(0, rule);
  record.payload = {};
  if (record.kind != SpoolKind::kEvent) return true;
  if (record.span != 1 || rule + padding > place.size) return false;
  record.payload = body.substr(rule, place.size - rule - padding);
  return true;
}

std::string encode(const SpoolRecord& record, std::size_t body) {
  const std::string_view rule = record.rule.substr(0, std::min(kMaxRule, body));
  const std::size_t padding =
      record.kind == SpoolKind::kEvent ? body - rule.size() - record.payload.size() : 0;
  std::string checked;
  checked.reserve(kSpoolRecordHeaderBytes + body);
  put(checked, static_cast<std::uint32_t>(body));
  put(checked, static_cast<std::uint8_t>(record.kind));
  put(checked, static_cast<std::uint8_t>(rule.size()));
  put(checked, static_cast<std::uint16_t>(padding));
  put(checked, record.span);
  put(checked, record.seq);
  put(checked, record.t_ms);
  checked += rule;
  checked += record.payload;
  checked.resize(kSpoolRecordHeaderBytes - 8 + body, '\0');
  std::string out(kMarker);
  put(out, schema::crc32c(checked));
  return out + checked;
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string out(kMagic);
  put(out, kSegmentVersion);
  out.append(header.epoch.begin(), header.epoch.end());
  put(out, header.first_seq);
  put(out, header.created_ms);
  put(out, schema::crc32c(out));
  return out;
}

std::string encode_spool_record(const SpoolRecord& record) {
  const std::size_t rule = std::min(record.rule.size(), kMaxRule);
  return encode(record, std::max(kLeastBodyBytes, rule + record.payload.size()));
}

std::string encode_gap_over(const SpoolRecord& event, std::string_view reason, std::size_t size) {
  const SpoolRecord gap{SpoolKind::kGap, event.span, event.seq, event.t_ms, reason, {}};
  return encode(gap, size - kSpoolRecordHeaderBytes);
}

tl::expected<SegmentHeader, HeaderFault> read_segment_header(std::string_view segment) {
  constexpr std::size_t kChecked = kSegmentHeaderBytes - 4;
  if (segment.size() < kSegmentHeaderBytes || !segment.starts_with(kMagic) ||
      get<std::uint32_t>(segment, kChecked) != schema::crc32c(segment.substr(0, kChecked)))
    return tl::unexpected(HeaderFault::kDamaged);
  if (get<std::uint32_t>(segment, kMagic.size()) != kSegmentVersion)
    return tl::unexpected(HeaderFault::kForeign);
  SegmentHeader header;
  std::copy_n(segment.begin() + 12, header.epoch.size(), header.epoch.begin());
  header.first_seq = get<std::uint64_t>(segment, 28);
  header.created_ms = get<std::uint64_t>(segment, 36);
  return header;
}

ScanResult scan_segment(
    std::string_view segment, std::size_t begin, bool growing,
    const std::function<bool(const SpoolRecord&, std::size_t offset, std::size_t size)>& visit) {
  ScanResult result{begin, 0};
  std::size_t at = begin;
  while (at < segment.size()) {
    SpoolRecord record;
    std::size_t size = 0;
    if (read_record(segment.substr(at), record, size)) {
      result.skipped += at - result.end;
      result.end = at + size;
      if (!visit(record, at, size)) return result;
      at = result.end;
      continue;
    }
    if (growing) return result;
    at = segment.find(kMarker, at + 1);  // beyond the end: no more
  }
  return result;
}

bool damaged_behind(std::string_view segment, std::size_t end) {
  if (segment.size() <= kSegmentHeaderBytes && !read_segment_header(segment))
    return segment.size() == kSegmentHeaderBytes ||
           segment.substr(0, kMagic.size()) != kMagic.substr(0, segment.size());
  if (end >= segment.size()) return false;
  const std::string_view rest = segment.substr(end);
  if (rest.substr(0, kMarker.size()) != kMarker.substr(0, rest.size())) return true;
  if (rest.size() < kSpoolRecordHeaderBytes) return false;
  const auto size = get<std::uint32_t>(rest, 8);
  return size < kLeastBodyBytes || size > kMaxBodyBytes ||
         rest.size() >= kSpoolRecordHeaderBytes + size;
}

std::string gap_event(std::uint64_t first_seq, std::uint64_t last_seq, std::uint64_t t_ms,
                      std::string_view reason) {
  schema::Event event;
  event.t_ms = static_cast<double>(t_ms);
  event.body = schema::Gap{first_seq, last_seq, std::string(reason)};
  return schema::event_to_json(event).dump(-1, ' ', false,
                                           nlohmann::json::error_handler_t::replace);
}

}  // namespace strop::agent
