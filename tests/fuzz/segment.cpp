// Spool segments: what was written is read back; damaged, nothing is read that was never written.
//
// The input is taken three times: as a segment, as the records of one (a line each, its first
// character says of which kind), and as the damage that these take.
#include <algorithm>
#include <vector>

#include "agent/spool_format.h"
#include "driver.h"

namespace {

using namespace strop::agent;
using strop::fuzz::hash_of;
using strop::fuzz::require;

struct Placed {
  SpoolRecord record;
  std::size_t offset = 0;
  std::size_t size = 0;
};

bool same(const SpoolRecord& a, const SpoolRecord& b) {
  return a.kind == b.kind && a.span == b.span && a.seq == b.seq && a.t_ms == b.t_ms &&
         a.rule == b.rule && a.payload == b.payload;
}

std::vector<Placed> scan(std::string_view segment, bool growing, ScanResult* result = nullptr) {
  std::vector<Placed> found;
  const ScanResult end =
      scan_segment(segment, kFirstRecord, growing,
                   [&](const SpoolRecord& record, std::size_t offset, std::size_t size) {
                     require(offset + size <= segment.size(), "a record lies within its segment");
                     require(found.empty() || offset >= found.back().offset + found.back().size,
                             "records do not overlap");
                     found.push_back({record, offset, size});
                     return true;
                   });
  require(end.end <= std::max(segment.size(), kFirstRecord), "a scan ends within its segment");
  require(found.empty() || end.end == found.back().offset + found.back().size,
          "it ends behind the last good record");
  if (result != nullptr) *result = end;
  return found;
}

SpoolRecord record_of(std::string_view line, std::uint64_t seq) {
  SpoolRecord record;
  const char first = line.empty() ? 'e' : line.front();
  record.kind = first == 'g'   ? SpoolKind::kGap
                : first == 's' ? SpoolKind::kSuppressed
                               : SpoolKind::kEvent;
  record.span = record.kind == SpoolKind::kEvent ? 1 : static_cast<std::uint32_t>(line.size());
  record.seq = seq;
  record.t_ms = hash_of(line);
  record.rule = line.substr(0, std::min<std::size_t>(line.size() / 4, 255));
  if (record.kind == SpoolKind::kEvent) record.payload = line;
  return record;
}

struct Segment {
  std::string bytes;
  std::vector<Placed> placed;
};

// `lines` must outlive it.
Segment segment_of(std::string_view lines) {
  SegmentHeader header;
  header.epoch.fill(7);
  Segment out{encode_segment_header(header), {}};
  std::uint64_t seq = 1;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const SpoolRecord record = record_of(lines.substr(0, end), seq);
    const std::string encoded = encode_spool_record(record);
    out.placed.push_back({record, out.bytes.size(), encoded.size()});
    out.bytes += encoded;
    if (record.numbered()) seq += record.span;
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

void check_whole(const Segment& segment) {
  require(read_segment_header(segment.bytes).has_value(), "a header written is read back");
  const auto found = scan(segment.bytes, false);
  require(found.size() == segment.placed.size(), "every record is read back");
  for (std::size_t i = 0; i < found.size(); ++i)
    require(same(found[i].record, segment.placed[i].record) &&
                found[i].offset == segment.placed[i].offset,
            "a record is read back as it was written");
}

// A gap takes exactly the place of its event, and the ones beside it stay.
void check_forgetting(Segment segment, std::uint64_t chance) {
  if (segment.placed.empty()) return;
  const Placed& one = segment.placed[chance % segment.placed.size()];
  if (one.record.kind != SpoolKind::kEvent) return;
  const std::string gap = encode_gap_over(one.record, "forgotten", one.size);
  require(gap.size() == one.size, "a gap has the size of what it takes the place of");
  std::string bytes = segment.bytes;
  bytes.replace(one.offset, one.size, gap);
  const auto found = scan(bytes, false);
  require(found.size() == segment.placed.size(), "a gap hides no record beside it");
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Placed& was = segment.placed[i];
    if (was.offset != one.offset)
      require(same(found[i].record, was.record), "a gap changes no other record");
    else
      require(found[i].record.kind == SpoolKind::kGap && found[i].record.seq == was.record.seq &&
                  found[i].record.rule == "forgotten" && found[i].record.payload.empty(),
              "what was forgotten is a gap");
  }
}

std::uint64_t check_damaged(const Segment& segment, std::uint64_t chance) {
  if (segment.bytes.size() <= kFirstRecord) return 0;
  std::string bytes = segment.bytes;
  const std::size_t room = bytes.size() - kFirstRecord;
  for (int i = 0; i < 3; ++i, chance = chance * 6364136223846793005u + 1442695040888963407u)
    bytes[kFirstRecord + (chance >> 20) % room] ^= static_cast<char>(1 + (chance >> 8) % 255);
  bytes.resize(bytes.size() - (chance >> 16) % std::min<std::size_t>(room, 64));
  ScanResult end;
  std::size_t read = 0;
  for (const bool growing : {false, true})
    for (const Placed& found : scan(bytes, growing, &end)) {
      const auto was = std::find_if(segment.placed.begin(), segment.placed.end(),
                                    [&](const Placed& one) { return one.offset == found.offset; });
      require(was != segment.placed.end() && same(found.record, was->record),
              "nothing is read that was never written");
      ++read;
    }
  damaged_behind(bytes, end.end);
  return read;
}

std::uint64_t run(std::string_view input) {
  (void)read_segment_header(input);
  const std::size_t raw = scan(input, false).size() + scan(input, true).size();
  const Segment segment = segment_of(input);
  check_whole(segment);
  const std::uint64_t chance = hash_of(input);
  check_forgetting(segment, chance);
  const std::uint64_t read = check_damaged(segment, chance);
  return raw << 32 | segment.placed.size() << 16 | read;
}

}  // namespace

int main(int argc, char** argv) {
  return strop::fuzz::drive({.run = run,
                             .words = {"\n", "e{}\n", "g\n", "s\n", "gggggg\n", "\xff\xfe",
                                       "STROPSPL", std::string(8, '\0')},
                             .max_size = 8192},
                            argc, argv);
}
