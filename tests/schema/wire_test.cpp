#include "schema/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

namespace strop::schema {
namespace {

WireId id_of(std::uint8_t first) {
  WireId id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(first + i);
  return id;
}

Batch sample_batch() {
  return {id_of(0x10), 41, {{1, R"({"v":1})"}, {3, "gap"}, {1, std::string("\0\xff", 2)}}};
}

const std::string kKey = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const std::string kNextKey = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

std::vector<Frame> every_frame() {
  return {Hello{1, 3, id_of(1), id_of(0x10), 5, 9, "strop-agent 0.1.0"},
          Welcome{1, id_of(0x10), 40, 4194304, 1048576, 10000},
          sample_batch(),
          Ack{id_of(0x10), 45, 4194304, {{42, RejectCode::kBadJson}, {45, RejectCode::kBadSpan}}},
          Nack{id_of(0x10), 41, false, NackCode::kStorage, 1500, "disk full"},
          Nack{id_of(0x10), 0, true, NackCode::kVersion, 0, ""},
          Ping{7},
          Pong{0xffffffffffffffff},
          Bye{},
          Enrol{kKey, "strop-agent 0.1.0"},
          Enrolled{"anna", kKey, kNextKey},
          Enrolled{"anna", kKey, ""}};
}

WireFault fault_of(std::string_view bytes) {
  const auto frame = decode(bytes);
  EXPECT_FALSE(frame.has_value());
  return frame ? WireFault{} : frame.error().fault;
}

// A BATCH whose checksum is right although its contents were tampered with.
std::string with_checksum(std::string batch) {
  const std::uint32_t sum = crc32c(std::string_view(batch).substr(8));
  for (int i = 0; i < 4; ++i) batch[4 + i] = static_cast<char>(sum >> (8 * i) & 0xff);
  return batch;
}

TEST(Wire, EveryFrameComesBackAsItWas) {
  for (const Frame& frame : every_frame()) {
    const auto back = decode(encode(frame));
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(*back, frame);
  }
}

TEST(Wire, ACutFrameIsAnErrorAtEveryLength) {
  for (const Frame& frame : every_frame()) {
    const std::string bytes = encode(frame);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size)).has_value())
          << "frame " << frame.index() << " cut to " << size;
  }
}

TEST(Wire, OnlyTheFrozenFramesMayGrow) {
  for (const Frame& frame : every_frame()) {
    const bool frozen = std::holds_alternative<Hello>(frame) || std::holds_alternative<Nack>(frame);
    EXPECT_EQ(decode(encode(frame) + "x").has_value(), frozen) << "frame " << frame.index();
  }
}

TEST(Wire, HelloAndNackAreReadAtAnyVersionOthersAreRefused) {
  for (const Frame& frame : every_frame()) {
    const bool frozen = std::holds_alternative<Hello>(frame) || std::holds_alternative<Nack>(frame);
    for (const std::uint8_t version : {0, 3, 255}) {
      const auto back = decode(encode(frame, version));
      EXPECT_EQ(back.has_value(), frozen);
      if (!back) {
        EXPECT_EQ(back.error().fault, WireFault::kVersion);
        EXPECT_THAT(back.error().message, testing::HasSubstr("only 1 to 2"));
      }
    }
  }
}

// So that an agent of version 1 reads all that a collector says to it.
TEST(Wire, AFrameIsWrittenInTheFirstVersionThatHasItAndReadInAllLaterOnes) {
  for (const Frame& frame : every_frame()) {
    const bool late =
        std::holds_alternative<Enrol>(frame) || std::holds_alternative<Enrolled>(frame);
    EXPECT_EQ(encode(frame)[0], late ? 2 : 1) << "frame " << frame.index();
    EXPECT_EQ(decode(encode(frame, 2)), frame);
    if (late) {
      EXPECT_EQ(fault_of(encode(frame, 1)), WireFault::kType);
    }
  }
}

TEST(Wire, VersionsInCommon) {
  auto speaking = [](std::uint8_t low, std::uint8_t high) {
    Hello hello;
    hello.version_min = low;
    hello.version_max = high;
    return common_version(hello);
  };
  EXPECT_EQ(speaking(1, 1), 1);
  EXPECT_EQ(speaking(1, 200), kWireVersionMax);
  EXPECT_EQ(speaking(kWireVersionMax + 1, 200), std::nullopt);
}

TEST(Wire, AFlippedBitInABatchIsAChecksumFaultThatCanBeAnswered) {
  const std::string good = encode(sample_batch());
  for (std::size_t i = 4; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto back = decode(bad);
    ASSERT_FALSE(back.has_value()) << "byte " << i;
    EXPECT_EQ(back.error().fault, WireFault::kChecksum) << "byte " << i;
    EXPECT_TRUE(back.error().epoch.has_value());
  }
}

TEST(Wire, HostileBytes) {
  using namespace std::string_literals;
  std::string hello = encode(Hello{});
  std::string zero_range = hello;
  zero_range[4] = 3;  // the range 3…2
  std::string zero_seq = hello;
  zero_seq[38] = 0;
  std::string reserved = encode(Ping{});
  reserved[2] = 1;
  std::string nack = encode(Nack{});
  nack[28] = 2;
  std::string many_rejects = encode(Ack{});
  many_rejects[many_rejects.size() - 1] = 127;
  struct {
    const char* name;
    std::string bytes;
    WireFault fault;
  } const table[] = {
      {"nothing", "", WireFault::kTruncated},
      {"one byte", "\1", WireFault::kTruncated},
      {"HTTP", "GET / HTTP/1.1\r\n\r\n", WireFault::kVersion},
      {"unknown type", "\1\x63\0\0"s, WireFault::kType},
      {"type 0", "\1\0\0\0"s, WireFault::kType},
      {"above 1 MiB", std::string(kMaxMessageBytes + 1, '\1'), WireFault::kTooLong},
      {"empty version range", zero_range, WireFault::kMalformed},
      {"sequence number 0", zero_seq, WireFault::kMalformed},
      {"reserved bytes in use", reserved, WireFault::kMalformed},
      {"half permanent", nack, WireFault::kMalformed},
      {"ENROL of no key", encode(Enrol{"short", ""}), WireFault::kMalformed},
      {"ENROL of nothing", encode(Enrol{"", ""}), WireFault::kMalformed},
      {"ENROLLED without a key", encode(Enrolled{"anna", "", ""}), WireFault::kMalformed},
      {"ENROLLED with half a key", encode(Enrolled{"anna", kKey, "half"}), WireFault::kMalformed},
      {"2 billion rejects", many_rejects, WireFault::kMalformed},
  };
  for (const auto& row : table) EXPECT_EQ(fault_of(row.bytes), row.fault) << row.name;
}

TEST(Wire, HostileBatches) {
  const std::string good = encode(Batch{id_of(1), 9, {{1, "abcd"}}});
  auto patched = [&](std::size_t offset, std::initializer_list<int> bytes) {
    std::string out = good;
    for (const int byte : bytes) out[offset++] = static_cast<char>(byte);
    return with_checksum(out);
  };
  ASSERT_TRUE(decode(patched(36, {1, 0, 0, 0})).has_value());
  EXPECT_EQ(fault_of(patched(24, {0, 0, 0, 0, 0, 0, 0, 0})), WireFault::kMalformed);  // number 0
  EXPECT_EQ(fault_of(patched(24, {255, 255, 255, 255, 255, 255, 255, 255})),
            WireFault::kMalformed);  // runs over the last number
  EXPECT_EQ(fault_of(patched(32, {255, 255, 255, 255})), WireFault::kMalformed);  // count
  EXPECT_EQ(fault_of(patched(32, {0, 0, 0, 0})), WireFault::kMalformed);          // bytes behind
  EXPECT_EQ(fault_of(patched(32, {2, 0, 0, 0})), WireFault::kMalformed);  // count above size
  EXPECT_EQ(fault_of(patched(36, {0, 0, 0, 0})), WireFault::kMalformed);  // span 0
  EXPECT_EQ(fault_of(patched(40, {5, 0, 0, 0})), WireFault::kTruncated);  // record cut
  EXPECT_EQ(fault_of(patched(40, {255, 255, 255, 255})), WireFault::kTruncated);  // record size
}

TEST(Wire, RandomBytesNeverDoMoreThanFail) {
  std::mt19937 random(20261124);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 120, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (!bytes.empty() && round % 2) bytes[0] = 1;
    if (bytes.size() > 1) bytes[1] = static_cast<char>(random() % 12);
    if (bytes.size() > 3) bytes[2] = bytes[3] = 0;
    const auto frame = decode(bytes);
    if (frame && !std::holds_alternative<Hello>(*frame) && !std::holds_alternative<Nack>(*frame)) {
      EXPECT_EQ(encode(*frame, static_cast<std::uint8_t>(bytes[0])), bytes);  // one frame, one form
    }
  }
}

TEST(Wire, AFrameBeyondTheLimitsIsNotWritten) {
  const Record large{1, std::string(kMaxRecordBytes, 'x')};
  EXPECT_THROW(encode(Batch{{}, 1, {large, large}}), std::length_error);
  EXPECT_THROW(encode(Batch{{}, 1, std::vector<Record>(kMaxBatchRecords + 1)}), std::length_error);
  EXPECT_THROW(encode(Nack{{}, 0, true, NackCode::kBadFrame, 0, std::string(256, 'x')}),
               std::length_error);
}

TEST(Wire, TheSizeOfABatchIsWhatTheConstantsSay) {
  const Batch batch = sample_batch();
  std::size_t expected = kBatchOverheadBytes;
  for (const Record& record : batch.records)
    expected += kRecordOverheadBytes + record.payload.size();
  EXPECT_EQ(encode(batch).size(), expected);
}

TEST(Wire, SpansCountIntoTheLastNumber) {
  EXPECT_EQ(last_seq(sample_batch()), 45U);
  EXPECT_EQ(last_seq(Batch{{}, 7, {}}), 6U);
}

TEST(Wire, Crc32cIsTheCastagnoliSum) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4
}

TEST(Wire, IdsInHex) {
  EXPECT_EQ(to_hex(id_of(0xf5)), "f5f6f7f8f9fafbfcfdfeff0001020304");
  EXPECT_EQ(wire_id_from_hex(to_hex(id_of(0xf5))), id_of(0xf5));
  EXPECT_EQ(wire_id_from_hex("f5"), std::nullopt);
  EXPECT_EQ(wire_id_from_hex(std::string(32, 'g')), std::nullopt);
}

TEST(Wire, CodesOfALaterVersionAreKeptAsNumbers) {
  const Nack nack{id_of(1), 3, true, static_cast<NackCode>(77), 0, "why"};
  EXPECT_EQ(std::get<Nack>(decode(encode(nack)).value()), nack);
  EXPECT_EQ(to_word(nack.code), "");
  const Ack ack{id_of(1), 3, 9, {{2, static_cast<RejectCode>(77)}}};
  EXPECT_EQ(std::get<Ack>(decode(encode(ack)).value()), ack);
  EXPECT_EQ(to_word(ack.rejected[0].code), "");
}

TEST(Wire, EveryCodeHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int code = 1; code <= 7; ++code) words.insert(to_word(static_cast<RejectCode>(code)));
  EXPECT_EQ(words.size(), 7U);
  for (int code = 1; code <= 11; ++code) words.insert(to_word(static_cast<NackCode>(code)));
  EXPECT_EQ(words.size(), 18U);
  EXPECT_FALSE(words.contains(""));
}

// FORMAT.md's worked example: blocks "NAME: hex…" fenced as ```hex.
std::map<std::string, std::string> examples() {
  std::ifstream file(STROP_SOURCE_DIR "/schema/FORMAT.md");
  std::map<std::string, std::string> out;
  std::string line, name;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      continue;
    }
    if (!inside) continue;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    while (words >> word) {
      if (word.ends_with(':'))
        name = word.substr(0, word.size() - 1);
      else
        out[name].push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
    }
  }
  return out;
}

TEST(Wire, TheWorkedExampleOfTheFormatIsWhatIsWritten) {
  const auto hex = examples();
  const WireId install = id_of(0x10);
  const WireId epoch = id_of(0xa0);
  const std::map<std::string, Frame> frames{
      {"HELLO", Hello{1, 1, install, epoch, 1, 1, "strop-agent 0.1.0"}},
      {"WELCOME", Welcome{1, epoch, 0, 4194304, 1048576, 10000}},
      {"BATCH", Batch{epoch, 1, {{1, R"({"v":1})"}, {1, "oops"}}}},
      {"ACK", Ack{epoch, 2, 4194304, {{1, RejectCode::kBadEvent}, {2, RejectCode::kBadJson}}}},
      {"NACK", Nack{epoch, 3, false, NackCode::kStorage, 5000, "disk full"}},
      {"PING", Ping{7}},
      {"PONG", Pong{7}},
      {"BYE", Bye{}},
      {"ENROL", Enrol{kKey, "strop-agent 0.1.0"}},
      {"ENROLLED", Enrolled{"anna", kNextKey, ""}}};
  auto shown = [](std::string_view bytes) {
    std::ostringstream out;
    for (const char byte : bytes) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out << kDigits[static_cast<unsigned char>(byte) >> 4] << kDigits[byte & 15] << ' ';
    }
    return out.str();
  };
  EXPECT_EQ(hex.size(), frames.size());
  for (const auto& [name, frame] : frames) {
    ASSERT_TRUE(hex.contains(name)) << name;
    EXPECT_EQ(shown(hex.at(name)), shown(encode(frame))) << name;
  }
}

}  // namespace
}  // namespace strop::schema
