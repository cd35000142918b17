#include <algorithm>
#include <limits>

#include "schema/curve_key.h"
#include "schema/wire.h"
#include "schema/wire_bytes.h"

namespace strop::schema {
namespace {

using wire::kChecksummedFrom;
using wire::kHeaderBytes;
using wire::layout_version;
using wire::Reader;
using wire::Type;

tl::unexpected<WireError> fault(WireFault kind, std::string message) {
  return tl::unexpected(WireError{kind, std::move(message), std::nullopt, 0});
}

using Decoded = tl::expected<Frame, WireError>;

// HELLO's layout never changes; later versions may add fields behind it, which are passed over.
Decoded read_hello(Reader in) {
  Hello out;
  out.version_min = in.u8();
  out.version_max = in.u8();
  out.install = in.id();
  out.epoch = in.id();
  out.first_held = in.u64();
  out.first_unacked = in.u64();
  out.agent = in.text();
  if (!in.good()) return fault(WireFault::kTruncated, "HELLO ends early");
  if (out.version_min > out.version_max || out.version_min == 0)
    return fault(WireFault::kMalformed, "HELLO has an empty version range");
  if (out.first_held == 0 || out.first_unacked == 0)
    return fault(WireFault::kMalformed, "HELLO has a sequence number 0; they start at 1");
  return out;
}

// Ends the reading of a frame of fixed layout: nothing missing, nothing left.
Decoded finish(const Reader& in, Frame frame, const char* name) {
  if (!in.good()) return fault(WireFault::kTruncated, std::string(name) + " ends early");
  if (in.left() != 0)
    return fault(WireFault::kMalformed, std::string(name) + " has bytes behind its end");
  return frame;
}

Decoded read_welcome(Reader in) {
  Welcome out;
  out.version = in.u8();
  out.epoch = in.id();
  out.durable_through = in.u64();
  out.credits = in.u32();
  out.max_batch = in.u32();
  out.heartbeat_ms = in.u32();
  return finish(in, out, "WELCOME");
}

tl::expected<std::vector<Record>, WireError> read_records(Reader& in, std::uint64_t first_seq,
                                                          std::uint32_t count) {
  if (count > kMaxBatchRecords || count * kRecordOverheadBytes > in.left())
    return fault(WireFault::kMalformed, "BATCH counts more records than it can hold");
  std::vector<Record> records;
  records.reserve(count);
  std::uint64_t seq = first_seq;
  for (std::uint32_t i = 0; i < count; ++i) {
    Record record;
    record.span = in.u32();
    const std::uint32_t size = in.u32();
    record.payload = in.bytes(size);
    if (!in.good()) return fault(WireFault::kTruncated, "BATCH ends within a record");
    if (record.span == 0) return fault(WireFault::kMalformed, "BATCH has a record of span 0");
    if (record.span > std::numeric_limits<std::uint64_t>::max() - seq)
      return fault(WireFault::kMalformed, "BATCH runs over the last sequence number");
    seq += record.span;
    records.push_back(std::move(record));
  }
  return records;
}

Decoded read_batch(std::string_view bytes, Reader in) {
  const std::uint32_t checksum = in.u32();
  Batch out;
  out.epoch = in.id();
  out.first_seq = in.u64();
  const std::uint32_t count = in.u32();
  if (!in.good()) return fault(WireFault::kTruncated, "BATCH ends early");
  auto answerable = [&](WireError error) {
    error.epoch = out.epoch;
    error.first_seq = out.first_seq;
    return tl::unexpected(std::move(error));
  };
  if (crc32c(bytes.substr(kChecksummedFrom)) != checksum)
    return answerable({WireFault::kChecksum, "BATCH does not match its checksum", {}, 0});
  if (out.first_seq == 0)
    return answerable({WireFault::kMalformed, "BATCH starts at 0; numbers start at 1", {}, 0});
  auto records = read_records(in, out.first_seq, count);
  if (!records) return answerable(std::move(records.error()));
  out.records = std::move(*records);
  if (in.left() != 0)
    return answerable({WireFault::kMalformed, "BATCH has bytes behind its end", {}, 0});
  return out;
}

Decoded read_ack(Reader in) {
  Ack out;
  out.epoch = in.id();
  out.durable_through = in.u64();
  out.credits = in.u32();
  const std::uint32_t count = in.u32();
  if (count > kMaxBatchRecords) return fault(WireFault::kMalformed, "ACK rejects too many records");
  out.rejected.reserve(std::min<std::size_t>(count, in.left() / 10));
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    const std::uint64_t seq = in.u64();
    out.rejected.push_back({seq, static_cast<RejectCode>(in.u16())});
  }
  return finish(in, std::move(out), "ACK");
}

// NACK's layout never changes either: a refusal has to be understood by every version. So an
// unknown code is kept within the frame's meaning (permanent or not) instead of being refused.
Decoded read_nack(Reader in) {
  Nack out;
  out.epoch = in.id();
  out.first_seq = in.u64();
  const std::uint8_t permanent = in.u8();
  out.permanent = permanent != 0;
  out.code = static_cast<NackCode>(in.u16());
  out.retry_after_ms = in.u32();
  out.reason = in.text();
  if (!in.good()) return fault(WireFault::kTruncated, "NACK ends early");
  if (permanent > 1) return fault(WireFault::kMalformed, "NACK is neither permanent nor not");
  return out;
}

Decoded read_ping(Reader in) { return finish(in, Ping{in.u64()}, "PING"); }
Decoded read_pong(Reader in) { return finish(in, Pong{in.u64()}, "PONG"); }

Decoded read_enrol(Reader in) {
  Enrol out{in.text(), in.text()};
  if (in.good() && !is_curve_key(out.key))
    return fault(WireFault::kMalformed, "ENROL has no key of 40 characters of Z85");
  return finish(in, std::move(out), "ENROL");
}

Decoded read_enrolled(Reader in) {
  Enrolled out{in.text(), in.text(), in.text()};
  const bool keys = is_curve_key(out.server_key) &&
                    (out.next_server_key.empty() || is_curve_key(out.next_server_key));
  if (in.good() && !keys)
    return fault(WireFault::kMalformed, "ENROLLED has no keys of 40 characters of Z85");
  return finish(in, std::move(out), "ENROLLED");
}

}  // namespace

Decoded decode(std::string_view bytes) {
  if (bytes.size() > kMaxMessageBytes) return fault(WireFault::kTooLong, "message above 1 MiB");
  if (bytes.size() < kHeaderBytes) return fault(WireFault::kTruncated, "message without a header");
  Reader in(bytes);
  const std::uint8_t version = in.u8();
  const auto type = static_cast<Type>(in.u8());
  const std::uint16_t reserved = in.u16();
  if (type == Type::kHello) return read_hello(in);
  if (type == Type::kNack) return read_nack(in);
  if (version < kWireVersionMin || version > kWireVersionMax)
    return fault(WireFault::kVersion, "wire version " + std::to_string(version) +
                                          " is not spoken here (only " +
                                          std::to_string(kWireVersionMin) + " to " +
                                          std::to_string(kWireVersionMax) + ")");
  if (reserved != 0) return fault(WireFault::kMalformed, "reserved bytes are not zero");
  if (version < layout_version(type))
    return fault(WireFault::kType, "this frame is none of wire version " + std::to_string(version));
  switch (type) {
    case Type::kWelcome:
      return read_welcome(in);
    case Type::kBatch:
      return read_batch(bytes, in);
    case Type::kAck:
      return read_ack(in);
    case Type::kPing:
      return read_ping(in);
    case Type::kPong:
      return read_pong(in);
    case Type::kBye:
      return finish(in, Bye{}, "BYE");
    case Type::kEnrol:
      return read_enrol(in);
    case Type::kEnrolled:
      return read_enrolled(in);
    case Type::kHello:
    case Type::kNack:
      break;  // read above, at any version
  }
  return fault(WireFault::kType, "unknown frame type");
}

}  // namespace strop::schema
