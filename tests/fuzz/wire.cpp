// Wire: any bytes give a frame or an error, and a frame read is written as it was.
#include "schema/wire.h"

#include <algorithm>
#include <type_traits>

#include "driver.h"

namespace {

using namespace strop::schema;
using strop::fuzz::require;

constexpr std::size_t kBatchSumAt = 4;
constexpr std::size_t kBatchSummedFrom = 8;
constexpr char kBatchType = 3;

// Of fixed layout: nothing may be passed over. The others may have grown in a later version.
template <class T>
constexpr bool kFixed = !std::is_same_v<T, Hello> && !std::is_same_v<T, Nack>;

void check_id(const WireId& id) {
  require(wire_id_from_hex(to_hex(id)) == id, "an id in hex is that id");
}

void check(const Hello& hello) {
  check_id(hello.install);
  require(hello.version_min >= 1 && hello.version_min <= hello.version_max, "versions are a range");
  require(hello.first_held >= 1 && hello.first_unacked >= 1, "sequence numbers start at 1");
  if (const auto version = common_version(hello))
    require(*version >= std::max(hello.version_min, kWireVersionMin) &&
                *version <= std::min(hello.version_max, kWireVersionMax),
            "a common version is spoken by both");
}

void check(const Batch& batch) {
  check_id(batch.epoch);
  require(batch.first_seq >= 1, "a batch starts at 1 or later");
  require(batch.records.size() <= kMaxBatchRecords, "a batch has no more records than it may");
  std::uint64_t last = batch.first_seq - 1;
  for (const Record& record : batch.records) {
    require(record.span >= 1 && last + record.span > last, "sequence numbers go up");
    last += record.span;
  }
  require(last_seq(batch) == last, "the last number is that of the last record");
}

void check(const Ack& ack) {
  for (const Rejected& rejected : ack.rejected) to_word(rejected.code);
}

void check(const Nack& nack) { to_word(nack.code); }

template <class T>
void check(const T&) {}

void check_error(const WireError& error, std::string_view bytes) {
  require(!error.message.empty(), "an error says what is wrong");
  if (!error.epoch) return;
  require(bytes.size() >= kBatchOverheadBytes && bytes[1] == kBatchType,
          "only a BATCH whose head is there can be answered");
  require(std::equal(error.epoch->begin(), error.epoch->end(), bytes.begin() + kBatchSummedFrom,
                     [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }),
          "it is answered by its epoch");
}

// What it came to: the frame's type, or the fault's.
std::uint64_t check_bytes(std::string_view bytes) {
  const auto frame = decode(bytes);
  if (!frame) {
    check_error(frame.error(), bytes);
    return 64 + 8 * static_cast<std::uint64_t>(frame.error().fault) + (frame.error().epoch ? 1 : 0);
  }
  std::visit([](const auto& body) { check(body); }, *frame);
  const auto version = static_cast<std::uint8_t>(bytes[0]);
  const std::string again = encode(*frame, version);
  const auto twice = decode(again);
  require(twice && *twice == *frame, "a frame written is read back");
  const bool fixed =
      std::visit([](const auto& body) { return kFixed<std::decay_t<decltype(body)>>; }, *frame);
  require(!fixed || again == bytes, "a frame of fixed layout is written as it was read");
  require(again.size() <= bytes.size(), "writing adds nothing");
  return frame->index();
}

// No chance finds a checksum; put right, what lies behind it is tried too.
std::string with_checksum(std::string_view bytes) {
  std::string out(bytes);
  const std::uint32_t sum = crc32c(bytes.substr(kBatchSummedFrom));
  for (std::size_t i = 0; i < 4; ++i)
    out[kBatchSumAt + i] = static_cast<char>(sum >> (8 * i) & 0xff);
  return out;
}

std::uint64_t run(std::string_view bytes) {
  std::uint64_t came_to = check_bytes(bytes);
  if (bytes.size() >= kBatchSummedFrom && bytes[1] == kBatchType)
    came_to |= check_bytes(with_checksum(bytes)) << 8;
  return came_to;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace std::string_literals;
  return strop::fuzz::drive(
      {.run = run,
       .words = {"\1\1\0\0"s, "\1\2\0\0"s, "\1\3\0\0"s, "\1\4\0\0"s, "\1\5\0\0"s, "\1\6\0\0"s,
                 "\1\7\0\0"s, "\1\10\0\0"s, "\2\11\0\0"s, "\2\12\0\0"s, "\2\1\0\0"s, "\2\5\0\0"s,
                 "\1\0\0\0"s, "\1\0\0\0\2\0\0\0{}"s, "\0\0\0\0\0\0\0\0"s,
                 "\377\377\377\377\377\377\377\377"s},
       .max_size = 4096},
      argc, argv);
}
