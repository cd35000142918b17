// Frames between agent and collector: one ZeroMQ message is one frame; FORMAT.md is the full text.
//
// Values: plain data, copied freely, pure functions, any thread. All integers are little-endian,
// all sizes are bytes, all waits are milliseconds. Errors: `decode` is total, any bytes whatever
// give a frame or a WireError. `encode` throws std::length_error on a frame beyond the limits
// below, which is a fault of the caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace strop::schema {

inline constexpr std::uint8_t kWireVersionMin = 1;  // the versions this build speaks
inline constexpr std::uint8_t kWireVersionMax = 2;
inline constexpr std::size_t kMaxMessageBytes = 1 << 20;  // one frame, header included
inline constexpr std::size_t kBatchOverheadBytes = 4 + 4 + 16 + 8 + 4;  // a BATCH of no records
inline constexpr std::size_t kRecordOverheadBytes = 4 + 4;              // each record, besides
inline constexpr std::size_t kMaxRecordBytes = 512
                                               << 10;  // an event above it becomes a dead letter
inline constexpr std::size_t kMaxBatchRecords = 16384;
inline constexpr std::size_t kMaxWireText = 255;  // Hello::agent, Nack::reason

// An install (made once a machine and user) or an epoch (made once a spool): 128 random bits.
using WireId = std::array<std::uint8_t, 16>;

std::string to_hex(const WireId& id);
std::optional<WireId> wire_id_from_hex(std::string_view hex);

// Agent → collector. Opens a stream; sent again after every reconnect, and once for each epoch that
// the connection ships. Sequence numbers of a stream start at 1.
struct Hello {
  std::uint8_t version_min = kWireVersionMin;
  std::uint8_t version_max = kWireVersionMax;
  WireId install{};
  WireId epoch{};
  std::uint64_t first_held = 1;     // lowest sequence number that the agent can still send
  std::uint64_t first_unacked = 1;  // lowest one that it has seen no ACK for
  std::string agent;                // name and version of the program, for the log
  bool operator==(const Hello&) const = default;
};

// Collector → agent, the answer to HELLO.
struct Welcome {
  std::uint8_t version = kWireVersionMax;  // the version to speak from here on
  WireId epoch{};
  std::uint64_t durable_through = 0;  // all up to here is on disk (0: nothing); send what follows,
                                      // even what was acked once: this may be a restored backup
  std::uint32_t credits = 0;          // bytes of BATCH messages that may be unanswered at any time
  std::uint32_t max_batch = 0;        // bytes of one BATCH message
  std::uint32_t heartbeat_ms = 0;  // PING when nothing was sent for so long; three unanswered: dead
  bool operator==(const Welcome&) const = default;
};

struct Record {
  std::uint32_t span = 1;  // sequence numbers it stands for: above 1 only for a `gap` event
  std::string payload;     // one event as JSON text
  bool operator==(const Record&) const = default;
};

// Agent → collector. The records have sequence numbers in a row, from first_seq. Each BATCH gets
// one answer, ACK or NACK, in order.
struct Batch {
  WireId epoch{};
  std::uint64_t first_seq = 0;
  std::vector<Record> records;
  bool operator==(const Batch&) const = default;
};

// The last sequence number of a batch, first_seq - 1 when it has no records.
std::uint64_t last_seq(const Batch& batch);

// Why one event went to the dead letters. Values never change their meaning; a later version may
// add some, which are kept as the number they are (`to_word` gives "" for them).
enum class RejectCode : std::uint16_t {
  kBadUtf8 = 1,
  kBadJson = 2,
  kTooDeep = 3,
  kTooLarge = 4,
  kBadEvent = 5,  // JSON, but not an event as FORMAT.md has it
  kBadSpan = 6,   // a span that the payload does not bear out
  kScrubFailed = 7,
};

struct Rejected {
  std::uint64_t seq = 0;
  RejectCode code = RejectCode::kBadEvent;
  bool operator==(const Rejected&) const = default;
};

// Collector → agent, after the commit is on disk. Cumulative: all up to durable_through is stored
// or rejected for good. `rejected` lists those of the batch it answers.
struct Ack {
  WireId epoch{};
  std::uint64_t durable_through = 0;
  std::uint32_t credits = 0;
  std::vector<Rejected> rejected;
  bool operator==(const Ack&) const = default;
};

// Why a HELLO or BATCH was not taken. Values never change their meaning.
enum class NackCode : std::uint16_t {
  kVersion = 1,       // permanent: no version in common
  kUnauthorised = 2,  // permanent: key not (or no longer) on the allow-list
  kQuarantined = 3,   // permanent: a cloned machine; begin a new install
  kWrongInstall = 4,  // permanent: this install belongs to another user's key
  kBadFrame = 5,      // permanent: not to be decoded, or beyond a limit
  kChecksum = 6,      // retry: crc32c of the payload does not match
  kHelloFirst = 7,    // retry: no stream is open by this connection and epoch, send HELLO
  kOutOfOrder =
      8,           // retry: a batch before this one is missing, send again from durable_through + 1
  kNoCredit = 9,   // retry: more bytes unanswered than credits allow
  kStorage = 10,   // retry: the collector cannot write now (disk full)
  kDraining = 11,  // retry: the collector is ending
};

struct Nack {
  WireId epoch{};
  std::uint64_t first_seq = 0;  // of the BATCH that was not taken; 0 when it answers something else
  bool permanent = false;       // false: send again after retry_after_ms
  NackCode code = NackCode::kBadFrame;
  std::uint32_t retry_after_ms = 0;
  std::string reason;  // for a person to read
  bool operator==(const Nack&) const = default;
};

struct Ping {
  std::uint64_t token = 0;
  bool operator==(const Ping&) const = default;
};
struct Pong {
  std::uint64_t token = 0;  // that of the PING
  bool operator==(const Pong&) const = default;
};
// Either side: no more frames come from here. What is unacked is not lost, but for the next HELLO.
struct Bye {
  bool operator==(const Bye&) const = default;
};

// Agent → collector, version 2. Over a token's key: lets `key` in, once, as whom the token is for.
// Over a developer's key: `key` takes its place.
struct Enrol {
  std::string key;    // public, Z85
  std::string agent;  // name and version of the program, for the log
  bool operator==(const Enrol&) const = default;
};
// Collector → agent, the answer to ENROL when `key` is on the allow-list on disk.
struct Enrolled {
  std::string name;             // whose the key is now
  std::string server_key;       // the collector's public key, Z85
  std::string next_server_key;  // the one that will take its place; empty: none is known
  bool operator==(const Enrolled&) const = default;
};

using Frame = std::variant<Hello, Welcome, Batch, Ack, Nack, Ping, Pong, Bye, Enrol, Enrolled>;

enum class WireFault { kTruncated, kTooLong, kVersion, kType, kChecksum, kMalformed };

struct WireError {
  WireFault fault = WireFault::kMalformed;
  std::string message;
  std::optional<WireId> epoch;  // of a BATCH whose head could be read, so that it can be answered
  std::uint64_t first_seq = 0;
};

// With the version of its layout in its header: the first wire version that has such a frame. Any
// later one has the same.
std::string encode(const Frame& frame);
std::string encode(const Frame& frame, std::uint8_t version);
tl::expected<Frame, WireError> decode(std::string_view bytes);

// The version both sides speak best, nullopt when there is none.
std::optional<std::uint8_t> common_version(const Hello& hello);

std::string_view to_word(RejectCode code);  // "bad_json"
std::string_view to_word(NackCode code);    // "hello_first"

// CRC-32C (Castagnoli) as iSCSI has it: crc32c("123456789") is 0xe3069283.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace strop::schema
